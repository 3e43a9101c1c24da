"""What all lenses have, which is the ideal pinhole."""

from dataclasses import dataclass

import numpy as np

from .arrays import floats, namespace

#: NaN and division by zero are how the lenses say that there is no image.
quiet = np.errstate(invalid='ignore', divide='ignore', over='ignore')


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

    @quiet
    def project(self, rays):
        """(..., 3) rays -> (..., 2) points of the normalised plane, NaN beyond the field of view."""
        rays = floats(rays)
        xp = namespace(rays)
        return xp.where(rays[..., 2:] > 0, rays[..., :2] / rays[..., 2:], xp.nan)

    @quiet
    def unproject(self, points):
        """(..., 2) points of the normalised plane -> (..., 3) rays of length 1, NaN where no ray has that image."""
        points = floats(points)
        xp = namespace(points)
        x, y = points[..., 0], points[..., 1]
        rays = xp.stack([x, y, xp.ones_like(x)], -1)
        return rays / xp.sqrt(1 + x * x + y * y)[..., None]
