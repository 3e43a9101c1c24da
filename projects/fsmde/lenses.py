"""Lens models: from rays in the camera frame to the normalised image plane and back.

A lens knows neither pixels nor poses: ``cam2img`` maps ``(x, y, 1)`` of the plane to pixels. Rays are (..., 3) in the
camera frame (x right, y down, z forward) of any length; what lies beyond the field of view is NaN. The formulas are
OpenCV's: https://docs.opencv.org/4.x/d9/d0c/group__calib3d.html and https://docs.opencv.org/4.x/db/d58/group__calib3d__fisheye.html.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Polynomial

TABLE_SIZE = 4096
NEWTON_STEPS = 10


@dataclass(frozen=True)
class Lens:
    """The ideal pinhole, ``'none'``, and the base of all others.

    Args:
        coefficients: Of the distortion, in the order of the model.

    Raises:
        ValueError: If their number is wrong or one is not finite.
    """

    coefficients: tuple = ()

    #: What a rig file calls the model, and how many coefficients it takes.
    MODEL = 'none'
    COUNTS = (0,)

    def __post_init__(self):
        values = tuple(float(value) for value in self.coefficients)
        if len(values) not in self.COUNTS:
            expected = ' or '.join(map(str, self.COUNTS))
            raise ValueError(f'lens {self.MODEL!r} takes {expected} coefficients, found {len(values)}')
        if not np.isfinite(values).all():
            raise ValueError(f'lens {self.MODEL!r}: coefficients must be finite, found {list(values)}')
        object.__setattr__(self, 'coefficients', values)

    @property
    def max_angle(self) -> float:
        """Angle in radians between the optical axis and a ray under which rays have an image."""
        return np.pi / 2

    def project(self, rays) -> np.ndarray:
        """(..., 3) rays -> (..., 2) points of the normalised plane, NaN beyond the field of view."""
        rays = np.asarray(rays, dtype=np.float64)
        with np.errstate(invalid='ignore', divide='ignore'):
            return np.where(rays[..., 2:] > 0, rays[..., :2] / rays[..., 2:], np.nan)

    def unproject(self, points) -> np.ndarray:
        """(..., 2) points of the normalised plane -> (..., 3) rays of length 1, NaN where no ray has that image."""
        points = np.asarray(points, dtype=np.float64)
        rays = np.concatenate([points, np.ones_like(points[..., :1])], -1)
        return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


@dataclass(frozen=True)
class PlumbBobLens(Lens):
    """OpenCV's standard model, after Brown and Conrady: k1, k2, p1, p2 and perhaps k3.

    Radially r -> r (1 + k1 r^2 + k2 r^4 + k3 r^6), tangentially p1, p2. The field of view ends where the radial part
    stops growing: beyond that the formula folds rays back into the image. That the tangential part moves this border is
    neglected.
    """

    MODEL = 'plumb_bob'
    COUNTS = (4, 5)

    @property
    def _radial(self):
        """Numerator and denominator of the factor as polynomials of r^2."""
        k1, k2, _, _, k3 = (*self.coefficients, 0.0)[:5]
        return Polynomial([1, k1, k2, k3]), Polynomial([1.0])

    @property
    def max_angle(self) -> float:
        """See :attr:`Lens.max_angle`."""
        above, below = self._radial
        s = Polynomial([0, 1])
        slope = (above + 2 * s * above.deriv()) * below - 2 * s * above * below.deriv()
        return np.arctan(np.sqrt(min(_first_root(slope), _first_root(below))))

    def _distort(self, x, y):
        """Distorted x and y, and their derivatives by x and y: u, v, u_x, u_y = v_x, v_y."""
        above, below = self._radial
        p1, p2 = self.coefficients[2:4]
        s = x * x + y * y
        factor = above(s) / below(s)
        slope = (above.deriv()(s) - factor * below.deriv()(s)) / below(s)
        u = x * factor + 2 * p1 * x * y + p2 * (s + 2 * x * x)
        v = y * factor + p1 * (s + 2 * y * y) + 2 * p2 * x * y
        u_x = factor + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x
        u_y = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
        v_y = factor + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x
        return u, v, u_x, u_y, v_y

    def project(self, rays) -> np.ndarray:
        """See :meth:`Lens.project`."""
        x, y = np.moveaxis(super().project(rays), -1, 0)
        with np.errstate(invalid='ignore', over='ignore', divide='ignore'):
            points = np.stack(self._distort(x, y)[:2], -1)
            return np.where((np.arctan(np.hypot(x, y)) < self.max_angle)[..., None], points, np.nan)

    def unproject(self, points) -> np.ndarray:
        """See :meth:`Lens.unproject`. Newton's method, from where the radial part alone would lead."""
        u, v = np.moveaxis(np.asarray(points, dtype=np.float64), -1, 0)
        above, below = self._radial
        radii = np.tan(np.linspace(0, min(self.max_angle, np.radians(89.9)), TABLE_SIZE))
        radius = np.hypot(u, v)
        with np.errstate(invalid='ignore', over='ignore', divide='ignore'):
            images = radii * above(radii**2) / below(radii**2)
            scale = np.where(radius > 0, np.interp(radius, images, radii) / radius, 1)
            x, y = u * scale, v * scale
            for _ in range(NEWTON_STEPS):
                a, b, u_x, u_y, v_y = self._distort(x, y)
                determinant = u_x * v_y - u_y * u_y
                x, y = (
                    x - ((a - u) * v_y - (b - v) * u_y) / determinant,
                    y - ((b - v) * u_x - (a - u) * u_y) / determinant,
                )
            a, b = self._distort(x, y)[:2]
            solved = (np.hypot(a - u, b - v) < 1e-9) & (np.arctan(np.hypot(x, y)) < self.max_angle)
        return super().unproject(np.where(solved[..., None], np.stack([x, y], -1), np.nan))


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

    @property
    def _radial(self):
        k1, k2, _, _, k3, k4, k5, k6 = self.coefficients[:8]
        return Polynomial([1, k1, k2, k3]), Polynomial([1, k4, k5, k6])


@dataclass(frozen=True)
class EquidistantLens(Lens):
    """OpenCV's fisheye model, after Kannala and Brandt: k1, k2, k3, k4.

    A ray at the angle t to the optical axis has its image at the radius t (1 + k1 t^2 + k2 t^4 + k3 t^6 + k4 t^8). The
    field of view ends where that stops growing, at the latest at 180 degrees; OpenCV's own code knows rays in front of
    the camera only.
    """

    MODEL = 'equidistant'
    COUNTS = (4,)

    @property
    def _radius(self):
        """Radius as a polynomial of the angle."""
        k1, k2, k3, k4 = self.coefficients
        return Polynomial([0, 1, 0, k1, 0, k2, 0, k3, 0, k4])

    @property
    def max_angle(self) -> float:
        """See :attr:`Lens.max_angle`."""
        return min(_first_root(self._radius.deriv()), np.pi)

    def project(self, rays) -> np.ndarray:
        """See :meth:`Lens.project`."""
        rays = np.asarray(rays, dtype=np.float64)
        across = np.hypot(rays[..., 0], rays[..., 1])
        angle = np.arctan2(across, rays[..., 2])
        with np.errstate(invalid='ignore', divide='ignore'):
            scale = np.where(across > 0, self._radius(angle) / across, 0)
            scale = np.where((angle < self.max_angle) & np.isfinite(across), scale, np.nan)
        return rays[..., :2] * scale[..., None]

    def unproject(self, points) -> np.ndarray:
        """See :meth:`Lens.unproject`. Newton's method on the angle."""
        points = np.asarray(points, dtype=np.float64)
        radius = np.hypot(points[..., 0], points[..., 1])
        angles = np.linspace(0, self.max_angle, TABLE_SIZE)
        angle = np.interp(radius, self._radius(angles), angles)
        slope = self._radius.deriv()
        with np.errstate(invalid='ignore', over='ignore', divide='ignore'):
            for _ in range(NEWTON_STEPS):
                angle = angle - (self._radius(angle) - radius) / slope(angle)
            solved = (np.abs(self._radius(angle) - radius) < 1e-9) & (angle >= 0) & (angle < self.max_angle)
            scale = np.where(radius > 0, np.sin(angle) / radius, 1)
        rays = np.concatenate([points * scale[..., None], np.cos(angle)[..., None]], -1)
        return np.where(solved[..., None], rays, np.nan)


def _first_root(polynomial: Polynomial) -> float:
    """Smallest positive real root, infinity if there is none."""
    roots = polynomial.trim().roots()
    real = roots[(np.abs(roots.imag) < 1e-9 * np.maximum(1, np.abs(roots))) & (roots.real > 0)].real
    return float(real.min()) if len(real) else np.inf


#: Lens classes by the name of their model.
LENSES = {lens.MODEL: lens for lens in (Lens, PlumbBobLens, RationalLens, EquidistantLens)}
