"""The factor, and what it does to frames that it was not fitted to."""

from dataclasses import dataclass

import numpy as np

FOLDS = 5
#: A factor nearer to 1 than this is left alone: it is within what a calibration of the cameras is good for.
LEAST_CHANGE = 0.01


@dataclass(frozen=True)
class Calibration:
    """A factor and how it was judged.

    Args:
        factor: By which predicted depth is to be multiplied, from all evidence.
        before, after: Mean over groups of the relative error |predicted - measured| / measured without the factor, and with
            the factor of the other folds.
        spread: Standard error of ``before - after`` over the groups.
        groups: Number of frames, or of measurements where there is but one frame.
        values: Number of measured values.
    """

    factor: float
    before: float
    after: float
    spread: float
    groups: int
    values: int

    @property
    def helps(self) -> bool:
        """Whether the error on what was left out falls by more than two standard errors, by a factor that is not 1."""
        return abs(self.factor - 1) >= LEAST_CHANGE and self.before - self.after > 2 * self.spread

    def __str__(self):
        return (
            f'factor {self.factor:.4f} from {self.values} values in {self.groups} groups; relative error on what was left '
            f'out {self.before:.4f} before, {self.after:.4f} after (change {self.after - self.before:+.4f}, standard error '
            f'{self.spread:.4f})'
        )


def fit_factor(evidence: list) -> float:
    """The weighted median of measured / predicted, in which every view counts as much as any other."""
    ratios = np.concatenate([view.measured / view.predicted for view in evidence])
    weights = np.concatenate([np.full(len(view.measured), 1 / len(view.measured)) for view in evidence])
    order = np.argsort(ratios)
    total = np.cumsum(weights[order])
    # Between two values where both halves weigh the same: so that two frames are their middle.
    low, high = np.searchsorted(total, total[-1] / 2 * np.array([1 - 1e-9, 1 + 1e-9]))
    return float(np.sqrt(ratios[order[low]] * ratios[order[min(high, len(order) - 1)]]))


def calibrate(evidence: list, single_values: bool = False) -> Calibration:
    """Fit a factor and cross-validate it: folds are blocks of frames that follow each other, since such are alike.

    Args:
        evidence: :class:`Evidence` of views, in the order of the frames.
        single_values: If all evidence is of one frame, its values are the groups: for distances measured one by one. LiDAR
            points of one frame are no such thing, thousands of them are wrong together.

    Raises:
        ValueError: If there are not two groups.
    """
    if single_values and len({view.frame for view in evidence}) == 1:
        evidence = [part for view in evidence for part in view.split()]
        groups = [[view] for view in evidence]
    else:
        by_frame = {}
        for view in evidence:
            by_frame.setdefault(view.frame, []).append(view)
        groups = list(by_frame.values())
    if len(groups) < 2:
        raise ValueError(
            f'evidence of {len(groups)} {"measurements" if single_values else "frames"}: at least two are needed, since a '
            'factor is judged by what was left out'
        )
    folds = np.array_split(np.arange(len(groups)), min(FOLDS, len(groups)))
    before, after = np.zeros(len(groups)), np.zeros(len(groups))
    for fold in folds:
        factor = fit_factor([view for n, group in enumerate(groups) if n not in fold for view in group])
        for n in fold:
            before[n], after[n] = _error(groups[n], 1.0), _error(groups[n], factor)
    gain = before - after
    values = sum(len(view.measured) for view in evidence)
    spread = gain.std(ddof=1) / np.sqrt(len(groups))
    return Calibration(fit_factor(evidence), before.mean(), after.mean(), float(spread), len(groups), values)


def _error(group, factor):
    return np.mean([np.mean(np.abs(factor * view.predicted / view.measured - 1)) for view in group])
