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
        images, of_images: How many images are known in both runs, of how many.
    """

    baseline: float
    value: float
    gain: float
    low: float
    high: float
    images: int
    of_images: int


def draw_scenes(scenes: int, resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """(resamples, scenes) how often each scene is drawn when as many are drawn as there are, with replacement."""
    return np.random.default_rng(seed).multinomial(scenes, np.full(scenes, 1 / scenes), resamples)


def weighted_means(weights, totals, counts) -> np.ndarray:
    """Means over images, then over cameras, with weights of scenes.

    Args:
        weights: (D, S) of the scenes in each of D draws.
        totals: (S, C) sums over the images of each scene and camera.
        counts: (S, C) how many images they are.

    Returns:
        (D,); a camera without images in a draw does not take part in it.
    """
    with np.errstate(invalid='ignore'):
        return np.nanmean((weights @ totals) / (weights @ counts), -1)


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
        return Gain(*[float('nan')] * 5, 0, len(known))
    cell = scene * shape[1] + camera
    count = np.bincount(cell, minlength=np.prod(shape)).reshape(shape)
    totals = [np.bincount(cell, np.asarray(x)[known], np.prod(shape)).reshape(shape) for x in (baseline, values)]
    before, after = (float(weighted_means(np.ones((1, shape[0])), total, count)[0]) for total in totals)
    low = high = float('nan')
    if shape[0] > 1:
        drawn = draw_scenes(shape[0], resamples, seed)
        one, other = (weighted_means(drawn, total, count) for total in totals)
        low, high = (float(x) for x in np.percentile(1 - other / one, [2.5, 97.5]))
    return Gain(before, after, 1 - after / before if before else float('nan'), low, high, int(known.sum()), len(known))
