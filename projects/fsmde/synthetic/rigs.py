"""Rigs: cameras and one LiDAR on a car; vehicle frame x forward, y left, z up, origin under the rear axle."""

from dataclasses import dataclass

import numpy as np

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


@dataclass
class Camera:
    """A pinhole camera.

    Args:
        name: DGP datum name.
        cam2img: (3, 3) pixels; pixel (column, row) covers the unit square right and below of its number.
        cam2ego: (4, 4) sensor to vehicle; camera frame x right, y down, z forward.
        size: height and width in pixels.
    """

    name: str
    cam2img: np.ndarray
    cam2ego: np.ndarray
    size: tuple

    def rays(self, shift=(0.0, 0.0)):
        """Directions (H * W, 3) through the pixels' centres plus a shift in pixels, with z = 1, camera frame."""
        height, width = self.size
        (fx, _, cx), (_, fy, cy), _ = self.cam2img
        x = (np.arange(width) + 0.5 + shift[0] - cx) / fx
        y = (np.arange(height) + 0.5 + shift[1] - cy) / fy
        rays = np.ones((height, width, 3))
        rays[..., 0], rays[..., 1] = x, y[:, None]
        return rays.reshape(-1, 3)


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
