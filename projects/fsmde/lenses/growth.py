"""Polynomials as far as they grow, and their inverse."""

from functools import cached_property

import numpy as np
from numpy.polynomial import Polynomial

from .arrays import horner, look_up, namespace

TABLE_SIZE = 4096
#: From the table's 1e-5 two steps lead to the last digit; near the turn, where the slope is 0, each halves the error.
NEWTON_STEPS = 6


class Growth:
    """A rational function of x >= 0 that is 0 at 0 and grows, up to where it stops, and its inverse.

    Args:
        above: Coefficients of the numerator, the constant first, which is 0.
        below: Those of the denominator.
        cap: Where it ends at the latest.

    Attributes:
        limit: Where it stops growing: at the first root of its slope, at a pole, at ``cap``; infinite if it never does.
        ceiling: Its value there.
    """

    def __init__(self, above, below=(1.0,), cap: float = np.inf):
        above, below = Polynomial(above), Polynomial(below)
        slope = above.deriv() * below - above * below.deriv()
        self._above, self._below, self._slope = (p.coef.tolist() for p in (above, below, slope))
        pole = _first_root(below)
        self.limit = min(_first_root(slope), pole, cap)
        self.ceiling = np.inf if self.limit in (pole, np.inf) else float(self(self.limit))

    def __call__(self, x):
        """Values at x, also beyond the limit."""
        return horner(self._above, x) / horner(self._below, x)

    @cached_property
    def _table(self):
        """log(1 + x) for evenly spread log(1 + value), and the last of these: any power of x is nearly a line so."""
        x = np.tan(np.linspace(0, np.arctan(self.limit), TABLE_SIZE, endpoint=bool(np.isfinite(self.ceiling))))
        values = np.log1p(self(x))
        return np.interp(np.linspace(0, values[-1], TABLE_SIZE), values, np.log1p(x)), float(values[-1])

    def guess(self, values):
        """x for values from 0 to the ceiling, to some digits."""
        xp = namespace(values)
        table, last = self._table
        return xp.expm1(look_up(table, xp.log1p(values) * ((TABLE_SIZE - 1) / last)))

    def inverse(self, values):
        """x for values, NaN where they are negative or not below the ceiling. Newton's method."""
        xp = namespace(values)
        reached = (values >= 0) & (values < self.ceiling)
        values = xp.where(reached, values, 0.0)
        x = self.guess(values)
        for _ in range(NEWTON_STEPS):
            slope = horner(self._slope, x) / horner(self._below, x) ** 2
            x = xp.clip(x - (self(x) - values) / slope, 0.0, self.limit)
        return xp.where(reached, x, xp.nan)


def _first_root(polynomial: Polynomial) -> float:
    """Smallest positive real root, infinity if there is none."""
    roots = polynomial.trim().roots()
    real = roots[(np.abs(roots.imag) < 1e-9 * np.maximum(1, np.abs(roots))) & (roots.real > 0)].real
    return float(real.min()) if len(real) else np.inf
