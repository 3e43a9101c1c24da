"""Whether one run is better than another: paired bootstrap over scenes."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Gain:
    """How a run compares with a baseline in one metric.

    Args:
        baseline, value: Mean over cameras of the means over images.
        gain: 1 - value / baseline: the share by which the metric is smaller, positive where less is better.
        low, high: 95 % confidence interval of the gain; NaN with fewer than two scenes.
    """

    baseline: float
    value: float
    gain: float
    low: float
    high: float


def paired_gain(baseline, values, cameras, scenes, resamples: int = 2000, seed: int = 0) -> Gain:
    """Compare two runs image by image.

    Frames of a scene are not independent, so whole scenes are drawn, with replacement, and for both runs the same ones
    (a paired cluster bootstrap, percentile interval).

    Args:
        baseline, values: (I,) a metric of the same I images; images that are NaN in either are left out of both.
        cameras, scenes: (I,) names.
        resamples: Number of draws.
        seed: Of the draws.
    """
    known = ~(np.isnan(baseline) | np.isnan(values))
    _, camera = np.unique(np.asarray(cameras)[known], return_inverse=True)
    _, scene = np.unique(np.asarray(scenes)[known], return_inverse=True)
    shape = (scene.max(initial=-1) + 1, camera.max(initial=-1) + 1)
    if 0 in shape:
        return Gain(*[float('nan')] * 5)
    cell = scene * shape[1] + camera
    count = np.bincount(cell, minlength=np.prod(shape)).reshape(shape)
    totals = [np.bincount(cell, np.asarray(x)[known], np.prod(shape)).reshape(shape) for x in (baseline, values)]

    def means(weights):
        with np.errstate(invalid='ignore'):
            return [np.nanmean((weights @ total) / (weights @ count), -1) for total in totals]

    before, after = (float(mean[0]) for mean in means(np.ones((1, shape[0]))))
    low = high = float('nan')
    if shape[0] > 1:
        drawn = np.random.default_rng(seed).multinomial(shape[0], np.full(shape[0], 1 / shape[0]), resamples)
        one, other = means(drawn)
        low, high = (float(x) for x in np.percentile(1 - other / one, [2.5, 97.5]))
    return Gain(before, after, 1 - after / before if before else float('nan'), low, high)
