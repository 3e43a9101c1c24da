"""Numbers to colours and back to a labelled bar: the one place that knows what a colour in our pictures means."""

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps

METRE_TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class ColorScale:
    """A fixed mapping of values to colours; values outside the range take the colour of its nearer end.

    Args:
        cmap: Name of a matplotlib colormap.
        low, high: Values at the two ends of the colormap.
        ticks: Pairs (value, label) to write beside a bar, within the range.
        log: Whether equal ratios, rather than equal differences, are equally far apart in colour.

    Raises:
        ValueError: If the range is empty, or starts at or below 0 on a logarithmic scale.
    """

    cmap: str
    low: float
    high: float
    ticks: tuple
    log: bool = False

    def __post_init__(self):
        if not self.low < self.high or (self.log and self.low <= 0):
            kind = '0 < low < high' if self.log else 'low < high'
            raise ValueError(f'a colour scale needs {kind}, found low = {self.low}, high = {self.high}')

    def position(self, values) -> np.ndarray:
        """Where values lie on the scale: 0 at ``low``, 1 at ``high``, same shape."""
        values = np.clip(np.asarray(values, dtype=np.float64), self.low, self.high)
        if self.log:
            return np.log(values / self.low) / np.log(self.high / self.low)
        return (values - self.low) / (self.high - self.low)

    def __call__(self, values) -> np.ndarray:
        """(..., 3) uint8 RGB colours of (...) values."""
        return np.asarray(colormaps[self.cmap](self.position(values), bytes=True))[..., :3]


def depth_scale(max_depth: float, min_depth: float = 1.0) -> ColorScale:
    """Log-spaced scale of depths in metres, red at ``min_depth`` to dark blue at ``max_depth``."""
    inner = [tick for tick in METRE_TICKS if min_depth <= tick < max_depth * 0.8]
    ticks = tuple((tick, f'{tick:g} m') for tick in [*inner, max_depth])
    return ColorScale('turbo_r', min_depth, max_depth, ticks, log=True)


def error_scale(limit: float = 0.5) -> ColorScale:
    """Linear scale of relative errors (prediction - truth) / truth, blue where too near, red where too far."""
    notes = {-limit: ' near', 0.0: '', limit: ' far'}
    values = (-limit, -limit / 2, 0.0, limit / 2, limit)
    ticks = tuple((value, f'{100 * value:{"+" if value else ""}.0f} %{notes.get(value, "")}') for value in values)
    return ColorScale('coolwarm', -limit, limit, ticks)


def height_scale(low: float, high: float) -> ColorScale:
    """Linear scale of heights in metres above the ego origin."""
    ticks = tuple((value, f'{value:+g} m') for value in np.linspace(low, high, 5).round(1))
    return ColorScale('viridis', low, high, ticks)
