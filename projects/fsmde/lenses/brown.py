"""Distortion of the image plane, after Brown and Conrady, and the lenses that are a pinhole with it.

The formulas are OpenCV's: https://docs.opencv.org/4.x/d9/d0c/group__calib3d.html.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import Polynomial

from .arrays import floats, horner, namespace
from .base import Lens, quiet
from .growth import Growth

#: Near the border, where the tangential part is off what the radial one leads to, more steps are needed than within.
NEWTON_STEPS = 10


class PlaneDistortion:
    """Radially r -> r A(r^2) / B(r^2), tangentially p1, p2.

    It ends where the radial part stops growing: beyond that the formula folds the plane back into the image. That the
    tangential part moves this border is neglected.

    Args:
        above, below: Coefficients of A and B, the constant first.
        p1, p2: The tangential part.

    Attributes:
        limit: Radius at which it ends.
    """

    def __init__(self, above, p1: float, p2: float, below=(1.0,)):
        self._above, self._below, self._tangential = list(above), list(below), (p1, p2)
        self._slopes = [Polynomial(part).deriv().coef.tolist() for part in (above, below)]
        s = Polynomial([0, 0, 1])
        self._radial = Growth((Polynomial(above)(s) * Polynomial([0, 1])).coef, Polynomial(below)(s).coef)
        self.limit = self._radial.limit

    def distort(self, x, y):
        """Points x, y of the plane -> their images, NaN beyond the limit."""
        xp = namespace(x)
        u, v = self._distort(x, y)[:2]
        inside = xp.hypot(x, y) < self.limit
        return xp.where(inside, u, xp.nan), xp.where(inside, v, xp.nan)

    def undistort(self, u, v):
        """Images u, v -> points of the plane, NaN where there is none. Newton's method, from the radial part's answer."""
        xp = namespace(u)
        radius = xp.hypot(u, v)
        # With the tangential part an image may lie a little beyond the radial part's last.
        start = self._radial.guess(xp.clip(radius, 0, 0.9999 * self._radial.ceiling))
        scale = xp.where(radius == 0, 1.0, start / radius)
        x, y = u * scale, v * scale
        for _ in range(NEWTON_STEPS):
            a, b, u_x, u_y, v_y = self._distort(x, y)
            determinant = u_x * v_y - u_y * u_y
            x, y = (
                x - ((a - u) * v_y - (b - v) * u_y) / determinant,
                y - ((b - v) * u_x - (a - u) * u_y) / determinant,
            )
        a, b = self._distort(x, y)[:2]
        tolerance = 1e3 * xp.finfo(radius.dtype).eps * (1 + radius)
        solved = (xp.hypot(a - u, b - v) < tolerance) & (xp.hypot(x, y) < self.limit)
        return xp.where(solved, x, xp.nan), xp.where(solved, y, xp.nan)

    def _distort(self, x, y):
        """Distorted x and y, and their derivatives by x and y: u, v, u_x, u_y = v_x, v_y."""
        p1, p2 = self._tangential
        s = x * x + y * y
        below = horner(self._below, s)
        factor = horner(self._above, s) / below
        slope = (horner(self._slopes[0], s) - factor * horner(self._slopes[1], s)) / below
        u = x * factor + 2 * p1 * x * y + p2 * (s + 2 * x * x)
        v = y * factor + p1 * (s + 2 * y * y) + 2 * p2 * x * y
        u_x = factor + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x
        u_y = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
        v_y = factor + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x
        return u, v, u_x, u_y, v_y


@dataclass(frozen=True)
class PlumbBobLens(Lens):
    """OpenCV's standard model: k1, k2, p1, p2 and perhaps k3. See :class:`PlaneDistortion` for its field of view."""

    MODEL = 'plumb_bob'
    COUNTS = (4, 5)

    @cached_property
    def _plane(self):
        k1, k2, p1, p2, k3 = (*self.coefficients, 0.0)[:5]
        return PlaneDistortion((1, k1, k2, k3), p1, p2)

    @property
    def max_angle(self) -> float:
        """See :attr:`Lens.max_angle`."""
        return float(np.arctan(self._plane.limit))

    @quiet
    def project(self, rays):
        """See :meth:`Lens.project`."""
        points = super().project(rays)
        return namespace(points).stack(self._plane.distort(points[..., 0], points[..., 1]), -1)

    @quiet
    def unproject(self, points):
        """See :meth:`Lens.unproject`."""
        points = floats(points)
        return super().unproject(namespace(points).stack(self._plane.undistort(points[..., 0], points[..., 1]), -1))


@dataclass(frozen=True)
class RationalLens(PlumbBobLens):
    """OpenCV's rational model: k1, k2, p1, p2, k3, k4, k5, k6; the last three are of the denominator.

    Twelve or fourteen coefficients, as OpenCV writes them, are taken where those of the thin prism and the tilted sensor
    are 0.
    """

    MODEL = 'rational_polynomial'
    COUNTS = (8, 12, 14)

    def __post_init__(self):
        super().__post_init__()
        if any(self.coefficients[8:]):
            raise ValueError(
                f'lens {self.MODEL!r}: a thin prism or a tilted sensor is not supported, coefficients beyond the eighth '
                f'must be 0, found {list(self.coefficients[8:])}'
            )

    @cached_property
    def _plane(self):
        k1, k2, p1, p2, k3, k4, k5, k6 = self.coefficients[:8]
        return PlaneDistortion((1, k1, k2, k3), p1, p2, (1, k4, k5, k6))
