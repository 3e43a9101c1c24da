"""Fisheye lenses: the image's distance from the principal point depends on the ray's angle to the axis alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .arrays import floats, namespace
from .base import Lens, quiet
from .growth import Growth


@dataclass(frozen=True)
class RadialLens(Lens):
    """What they share. A subclass says :attr:`max_angle` and how angle and radius become each other.

    The field of view ends where the polynomial stops growing, at the latest at 180 degrees.
    """

    def radius_of(self, angle):
        """Radius in the normalised plane of the images of rays at angles below ``max_angle``."""
        raise NotImplementedError

    def angle_of(self, radius):
        """Angle of the rays whose images are at a radius, NaN where there are none."""
        raise NotImplementedError

    @quiet
    def project(self, rays):
        """See :meth:`Lens.project`."""
        rays = floats(rays)
        xp = namespace(rays)
        across = xp.hypot(rays[..., 0], rays[..., 1])
        angle = xp.arctan2(across, rays[..., 2])
        scale = xp.where(across == 0, 0.0, self.radius_of(angle) / across)
        seen = (angle < self.max_angle) & xp.isfinite(across) & ((across > 0) | (rays[..., 2] > 0))
        return rays[..., :2] * xp.where(seen, scale, xp.nan)[..., None]

    @quiet
    def unproject(self, points):
        """See :meth:`Lens.unproject`."""
        points = floats(points)
        xp = namespace(points)
        radius = xp.hypot(points[..., 0], points[..., 1])
        angle = self.angle_of(radius)
        scale = xp.where(radius == 0, 1.0, xp.sin(angle) / radius)
        return xp.stack([points[..., 0] * scale, points[..., 1] * scale, xp.cos(angle)], -1)


@dataclass(frozen=True)
class FThetaLens(RadialLens):
    """NVIDIA's f-theta model where its polynomial goes from angles to pixels.

    A ray at the angle t has its image at the radius t + a2 t^2 + a3 t^3 + ...: the coefficients begin with a2. NVIDIA
    states c0 + c1 t + c2 t^2 ... in pixels; c0 is 0, c1 is the focal length, and a_i = c_i / c1.
    """

    MODEL = 'ftheta'
    COUNTS = tuple(range(1, 12))

    @cached_property
    def _growth(self):
        return Growth((0, 1, *self.coefficients), cap=np.pi)

    @property
    def max_angle(self) -> float:
        """See :attr:`Lens.max_angle`."""
        return self._growth.limit

    def radius_of(self, angle):
        """See :meth:`RadialLens.radius_of`."""
        return self._growth(angle)

    def angle_of(self, radius):
        """See :meth:`RadialLens.angle_of`."""
        return self._growth.inverse(radius)


@dataclass(frozen=True)
class EquidistantLens(FThetaLens):
    """OpenCV's fisheye model, after Kannala and Brandt: k1, k2, k3, k4.

    A ray at the angle t to the optical axis has its image at the radius t (1 + k1 t^2 + k2 t^4 + k3 t^6 + k4 t^8)
    (https://docs.opencv.org/4.x/db/d58/group__calib3d__fisheye.html). OpenCV's own code knows rays in front of the camera
    only.
    """

    MODEL = 'equidistant'
    COUNTS = (4,)

    @cached_property
    def _growth(self):
        k1, k2, k3, k4 = self.coefficients
        return Growth((0, 1, 0, k1, 0, k2, 0, k3, 0, k4), cap=np.pi)


@dataclass(frozen=True)
class FThetaBackwardLens(RadialLens):
    """NVIDIA's f-theta model where its polynomial goes from pixels to angles.

    An image at the radius r is of a ray at the angle r + b2 r^2 + b3 r^3 + ...: the coefficients begin with b2. NVIDIA
    states c0 + c1 p + c2 p^2 ... of a radius p in pixels; c0 is 0, the focal length is 1 / c1, and b_i = c_i / c1^i.
    """

    MODEL = 'ftheta_backward'
    COUNTS = FThetaLens.COUNTS

    @cached_property
    def _growth(self):
        return Growth((0, 1, *self.coefficients))

    @property
    def max_angle(self) -> float:
        """See :attr:`Lens.max_angle`."""
        return min(self._growth.ceiling, np.pi)

    def radius_of(self, angle):
        """See :meth:`RadialLens.radius_of`."""
        return self._growth.inverse(angle)

    def angle_of(self, radius):
        """See :meth:`RadialLens.angle_of`."""
        xp = namespace(radius)
        angle = self._growth(radius)
        return xp.where((radius < self._growth.limit) & (angle < self.max_angle), angle, xp.nan)
