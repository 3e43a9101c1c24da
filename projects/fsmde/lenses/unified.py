"""The unified model of catadioptric and fisheye cameras."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .arrays import floats, namespace
from .base import Lens, quiet
from .brown import PlaneDistortion


@dataclass(frozen=True)
class MeiLens(Lens):
    """Mei and Rives, "Single View Point Omnidirectional Camera Calibration from Planar Grids", ICRA 2007: xi, k1, k2, p1, p2.

    A ray is moved to the unit sphere, seen from xi behind its centre as by a pinhole, and the plane is distorted as by
    :class:`PlaneDistortion`. That is the model of KITTI-360's fisheyes (whose own scripts leave p1 and p2 out), of camodocal
    and of OpenCV's ``omnidir``.

    The field of view ends where the image of the sphere turns, at cos(angle) = -1 / xi (-xi for xi below 1), or with the
    distortion.
    """

    MODEL = 'mei'
    COUNTS = (5,)

    def __post_init__(self):
        super().__post_init__()
        if self.coefficients[0] < 0:
            raise ValueError(f'lens {self.MODEL!r}: xi must not be negative, found {self.coefficients[0]:g}')

    @cached_property
    def _plane(self):
        _, k1, k2, p1, p2 = self.coefficients
        return PlaneDistortion((1, k1, k2), p1, p2)

    @cached_property
    def max_angle(self) -> float:
        """See :attr:`Lens.max_angle`."""
        xi, limit = self.coefficients[0], self._plane.limit
        turn = np.arccos(-min(xi, 1 / xi if xi else 0))
        x, z = (float(part) for part in self._lift(np.float64(limit))) if np.isfinite(limit) else (np.nan, np.nan)
        return float(min(turn, np.arctan2(x, z))) if np.isfinite(x) else float(turn)

    def _lift(self, radius):
        """Distance from the axis and z of the sphere's point whose image without distortion is at a radius."""
        xi, s = self.coefficients[0], radius * radius
        scale = (xi + namespace(radius).sqrt(1 + (1 - xi * xi) * s)) / (1 + s)
        return scale * radius, scale - xi

    @quiet
    def project(self, rays):
        """See :meth:`Lens.project`."""
        rays = floats(rays)
        xp = namespace(rays)
        x, y, z = rays[..., 0], rays[..., 1], rays[..., 2]
        across = xp.hypot(x, y)
        depth = z + self.coefficients[0] * xp.hypot(across, z)
        seen = xp.arctan2(across, z) < self.max_angle
        u, v = self._plane.distort(x / depth, y / depth)
        return xp.stack([xp.where(seen, u, xp.nan), xp.where(seen, v, xp.nan)], -1)

    @quiet
    def unproject(self, points):
        """See :meth:`Lens.unproject`."""
        points = floats(points)
        xp = namespace(points)
        x, y = self._plane.undistort(points[..., 0], points[..., 1])
        radius = xp.hypot(x, y)
        across, z = self._lift(radius)
        scale = xp.where(radius == 0, 1.0, across / radius)
        return xp.stack([x * scale, y * scale, z], -1)
