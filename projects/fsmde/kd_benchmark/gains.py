"""Gains over a baseline: relative, averaged over errors, paired by seed, with intervals over scenes."""

from dataclasses import dataclass

import numpy as np

from fsmde.evaluation.bootstrap import draw_scenes, weighted_means


@dataclass
class Cells:
    """The errors of one run by scene and camera (for cross-view consistency: by scene and pair of cameras).

    Args:
        errors: E names.
        scenes: S names.
        cameras: C names.
        images: (S, C) number of images that have ground truth.
        means: (S, C, E) mean errors over them, NaN where there are none.
    """

    errors: list
    scenes: list
    cameras: list
    images: np.ndarray
    means: np.ndarray

    @classmethod
    def of(cls, record: dict, measure: str) -> 'Cells':
        """Of a record's ``scenes``; ``measure`` is a protocol or ``consistency``."""
        table = record['scenes'][measure]
        shape = len(table['scenes']), len(table['cameras']), len(table['errors'])
        means = [[value for camera in row for value in camera or [None] * shape[2]] for row in table['means']]
        return cls(
            table['errors'],
            table['scenes'],
            table['cameras'],
            np.array(table['images'], dtype=float),
            np.array(means, dtype=float).reshape(shape),
        )

    def averaged(self, weights) -> np.ndarray:
        """(D, E) errors for (D, S) weights of scenes: means over images, then cameras, as the protocol fsmde has it."""
        totals = np.where(self.images[..., None] > 0, np.nan_to_num(self.means) * self.images[..., None], 0)
        return np.stack([weighted_means(weights, total, self.images) for total in np.moveaxis(totals, -1, 0)], -1)


@dataclass
class SuiteGain:
    """How an arm compares with its baseline.

    Args:
        mean: Over seeds, of the mean over errors of 1 - error / baseline's error; 0.1 says 10 % less error.
        std: Over seeds (ddof 1); NaN with one seed.
        low, high: 95 % interval of the mean over scenes; NaN with one scene.
        seeds: By which it is paired.
        by_error: The mean over seeds for each error.
    """

    mean: float
    std: float
    low: float
    high: float
    seeds: list
    by_error: dict


def suite_gain(baseline: dict, arm: dict, resamples: int = 2000) -> SuiteGain:
    """Compare the runs of an arm with the baseline's of the same seeds.

    The interval is a bootstrap that draws whole scenes, the same ones for both arms, all seeds and all errors, and
    averages over seeds inside: it says what other scenes might change. What other seeds might change says ``std``.

    Args:
        baseline, arm: :class:`Cells` by seed.
        resamples: Number of draws.

    Returns:
        SuiteGain: All NaN if no seed is in both.

    Raises:
        ValueError: If the runs were evaluated on different scenes or cameras.
    """
    seeds = sorted(baseline.keys() & arm.keys())
    if not seeds:
        return SuiteGain(*[float('nan')] * 4, [], {})
    first = baseline[seeds[0]]
    for cells in [*baseline.values(), *arm.values()]:
        if (cells.scenes, cells.cameras, cells.errors) != (first.scenes, first.cameras, first.errors):
            raise ValueError('runs that were evaluated on different scenes or cameras cannot be compared')

    def gains(weights):
        return np.stack([1 - arm[s].averaged(weights) / baseline[s].averaged(weights) for s in seeds], 1)

    point = gains(np.ones((1, len(first.scenes))))[0]
    by_seed = point.mean(-1)
    low = high = float('nan')
    if len(first.scenes) > 1:
        drawn = gains(draw_scenes(len(first.scenes), resamples)).mean((1, 2))
        low, high = (float(x) for x in np.nanpercentile(drawn, [2.5, 97.5]))
    std = float(by_seed.std(ddof=1)) if len(seeds) > 1 else float('nan')
    return SuiteGain(float(by_seed.mean()), std, low, high, seeds, dict(zip(first.errors, point.mean(0).tolist())))
