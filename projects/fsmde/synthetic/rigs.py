"""Rigs: cameras and one LiDAR on a car; vehicle frame x forward, y left, z up, origin under the rear axle."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from fsmde.lenses import EquidistantLens, Lens, PlumbBobLens, RationalLens

# name: yaw and pitch in degrees (left and up positive), position in metres, fx at an image width of 1936 pixels.
# The order is the ring's, to the left. Rounded from the DDAD rig and fitted to our car.
DDAD_CAMERAS = {
    'CAMERA_01': (3.0, -0.5, (1.50, 0.20, 1.60), 2181.0),
    'CAMERA_05': (51.7, -1.0, (1.52, 0.45, 1.60), 1058.0),
    'CAMERA_07': (123.7, -0.9, (1.10, 0.43, 1.60), 1058.0),
    'CAMERA_09': (-179.0, -1.0, (0.62, 0.05, 1.60), 1064.0),
    'CAMERA_08': (-124.5, 0.0, (1.10, -0.46, 1.60), 1058.0),
    'CAMERA_06': (-53.1, 0.4, (1.52, -0.42, 1.60), 1058.0),
}


# Of another car, a van: five cameras on the roof, of other lenses. As above, but for the horizontal field of view in degrees.
VAN_CAMERAS = {
    'CAMERA_01': (0.0, -6.0, (1.9, 0.0, 2.35), 66.0),
    'CAMERA_02': (68.0, -8.0, (1.5, 0.6, 2.35), 92.0),
    'CAMERA_03': (141.0, -8.0, (-0.4, 0.6, 2.35), 92.0),
    'CAMERA_04': (-141.0, -8.0, (-0.4, -0.6, 2.35), 92.0),
    'CAMERA_05': (-68.0, -8.0, (1.5, -0.6, 2.35), 92.0),
}
# Of the cameras in ``lens_rig``, by the model's name.
LENSES = dict(
    plumb_bob=PlumbBobLens((-0.12, 0.02, 0.001, -0.001, 0.0)),
    rational_polynomial=RationalLens((0.4539, -2.6755, 0.0003, -0.0002, 1.5467, 0.3329, -2.4985, 1.4725)),
    equidistant=EquidistantLens((-0.03, 0.01, -0.01, 0.002)),
)
# name: yaw and pitch in degrees, position in metres. Under the bonnet's edge, under the mirrors, over the number plate.
FISHEYES = {
    'FRONT': (0.0, -20.0, (3.92, 0.0, 0.65)),
    'LEFT': (90.0, -35.0, (1.90, 1.14, 0.95)),
    'BACK': (180.0, -25.0, (-1.12, 0.0, 0.85)),
    'RIGHT': (-90.0, -35.0, (1.90, -1.14, 0.95)),
}
FISHEYE_CIRCLE = 190.0  # degrees
FISHEYE = EquidistantLens((-0.02, 0.004, -0.002, 0.0003))
LENS_RIGS = (*LENSES, 'fisheyes')


@dataclass
class Camera:
    """A camera, of a pinhole unless it has a lens.

    Args:
        name: DGP datum name.
        cam2img: (3, 3) pixels; pixel (column, row) covers the unit square right and below of its number.
        cam2ego: (4, 4) sensor to vehicle; camera frame x right, y down, z forward.
        size: height and width in pixels.
        lens: one of :mod:`fsmde.lenses`.
        circle: angle in degrees across the circle that the lens throws on the sensor, which is black beyond it; None for
            no such circle.
    """

    name: str
    cam2img: np.ndarray
    cam2ego: np.ndarray
    size: tuple
    lens: Lens = field(default_factory=Lens)
    circle: float = None

    @property
    def measure(self):
        """What depth is along its rays: ``depth``, that along z, or ``distance``, that along the ray.

        Beyond 90 degrees z says nothing: cameras with a fisheye's lens have distances.
        """
        return 'depth' if isinstance(self.lens, PlumbBobLens) or self.lens.MODEL == Lens.MODEL else 'distance'

    @cached_property
    def sees(self):
        """(H, W) bool, False for pixels that no ray reaches: beyond the lens's field of view, or its circle."""
        if self.lens.MODEL == Lens.MODEL and self.circle is None:
            return np.ones(self.size, bool)
        rays = self._lens_rays((0.0, 0.0))
        angle = np.arctan2(np.hypot(rays[:, 0], rays[:, 1]), rays[:, 2])
        return (angle < np.radians(360 if self.circle is None else self.circle) / 2).reshape(self.size)

    def rays(self, shift=(0.0, 0.0)):
        """Directions (H * W, 3) through the pixels' centres plus a shift in pixels, camera frame.

        With z = 1, or of length 1 where depth is distance; those of pixels that see nothing look ahead.
        """
        height, width = self.size
        (fx, _, cx), (_, fy, cy), _ = self.cam2img
        if self.lens.MODEL != Lens.MODEL:
            rays = self._lens_rays(shift)
            rays = np.where(np.isfinite(rays), rays, [0.0, 0.0, 1.0])
            return rays / rays[:, 2:] if self.measure == 'depth' else rays
        x = (np.arange(width) + 0.5 + shift[0] - cx) / fx
        y = (np.arange(height) + 0.5 + shift[1] - cy) / fy
        rays = np.ones((height, width, 3))
        rays[..., 0], rays[..., 1] = x, y[:, None]
        return rays.reshape(-1, 3)

    def _lens_rays(self, shift):
        """Rays (H * W, 3) of length 1, NaN beyond the lens's field of view."""
        height, width = self.size
        pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2) + 0.5 + shift
        return self.lens.unproject((pixels - self.cam2img[:2, 2]) / self.cam2img[[0, 1], [0, 1]])


@dataclass
class Rig:
    """Cameras in ring order, and ``lidar2ego`` (4, 4)."""

    cameras: list
    lidar2ego: np.ndarray


def _rotation(yaw, pitch, roll):
    """Camera to vehicle (3, 3) for a camera that looks to ``yaw`` (left) and ``pitch`` (up), radians."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    turn = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    lift = np.array([[cp, 0, -sp], [0, 1, 0], [sp, 0, cp]])
    lean = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    axes = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # camera axes in a vehicle that looks forward
    return turn @ lift @ lean @ axes


def _camera(name, rng, yaw, pitch, position, focal, size):
    """Camera with small errors of mounting; ``focal`` in image widths, angles in degrees."""
    height, width = size
    angles = np.radians(np.array([yaw, pitch, 0]) + rng.normal(0, 0.4, 3))
    cam2ego = np.eye(4)
    cam2ego[:3, :3] = _rotation(*angles)
    cam2ego[:3, 3] = position + rng.normal(0, 0.008, 3)
    fx = focal * width * rng.uniform(0.995, 1.005)
    cx, cy = width * (0.5 + rng.normal(0, 0.006)), height * (0.5 + rng.normal(0, 0.006))
    return Camera(name, np.array([[fx, 0, cx], [0, fx, cy], [0, 0, 1]]), cam2ego, tuple(size))


def _lidar(position):
    lidar2ego = np.eye(4)
    lidar2ego[:3, 3] = position
    return lidar2ego


def ddad_rig(rng, size):
    """Six cameras like DDAD's with small random errors of mounting, images of ``size`` (height, width)."""
    cameras = [
        _camera(name, rng, yaw, pitch, position, fx / 1936, size)
        for name, (yaw, pitch, position, fx) in DDAD_CAMERAS.items()
    ]
    return Rig(cameras, _lidar((0.9, 0.0, 1.9) + rng.normal(0, 0.01, 3)))


def van_rig(rng, size):
    """Five cameras on the roof of a van with small random errors of mounting."""
    cameras = [
        _camera(name, rng, yaw, pitch, position, 0.5 / np.tan(np.radians(field) / 2), size)
        for name, (yaw, pitch, position, field) in VAN_CAMERAS.items()
    ]
    return Rig(cameras, _lidar((0.9, 0.0, 2.6) + rng.normal(0, 0.01, 3)))


def random_rig(rng, size):
    """A ring of four to seven cameras of random lenses, heights and tilts."""
    count = int(rng.integers(4, 8))
    height = rng.uniform(1.66, 2.6)
    yaws = np.arange(count) * 360 / count + rng.uniform(-20, 20) + rng.normal(0, 5, count)
    cameras = []
    for i, yaw in enumerate(yaws):
        field = np.radians(rng.uniform(40, 105))
        x, y = 0.9 + 0.6 * np.cos(np.radians(yaw)), 0.5 * np.sin(np.radians(yaw))
        cameras.append(
            _camera(f'CAMERA_{i + 1:02d}', rng, yaw, rng.uniform(-9, 5), (x, y, height), 0.5 / np.tan(field / 2), size)
        )
    return Rig(cameras, _lidar((0.9, 0.0, max(1.9, height + 0.2))))


def lens_rig(name, rig, rng, size):
    """A rig of cameras with lenses in the place of another one, on the same car with the same LiDAR.

    Args:
        name: one of ``LENS_RIGS``: a model of ``LENSES``, which the other rig's cameras get, or ``fisheyes``: four
            equidistant ones of 190 degrees round the car, whose circles the images' sides touch.
        rig: the other one.
        rng: source of the fisheyes' errors of mounting.
        size: height and width of the images.
    """
    if name in LENSES:
        return Rig([replace(camera, lens=LENSES[name]) for camera in rig.cameras], rig.lidar2ego)
    half = float(FISHEYE.project([np.sin(a := np.radians(FISHEYE_CIRCLE / 2)), 0.0, np.cos(a)])[0])
    cameras = [
        replace(_camera(name, rng, yaw, pitch, position, 0.49 / half, size), lens=FISHEYE, circle=FISHEYE_CIRCLE)
        for name, (yaw, pitch, position) in FISHEYES.items()
    ]
    return Rig(cameras, rig.lidar2ego)
