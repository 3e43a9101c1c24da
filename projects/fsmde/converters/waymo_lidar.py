"""From Waymo's range images to points, as ``waymo_open_dataset.v2.perception.utils.lidar_utils`` does it in TensorFlow."""

from dataclasses import dataclass

import numpy as np

#: Of ``LaserName``: the only LiDAR whose range image states the vehicle's pose for each of its pixels.
TOP = 1


@dataclass
class LaserCalibration:
    """One LiDAR.

    Args:
        laser2ego: (4, 4) float64, metres.
        inclinations: Radians of the range image's rows from the lowest to the highest, or None: then they are spread
            evenly from ``lowest`` to ``highest``.
    """

    laser2ego: np.ndarray
    inclinations: np.ndarray
    lowest: float
    highest: float

    def points(self, ranges: np.ndarray) -> np.ndarray:
        """(H, W, 3) points in the vehicle's frame, metres, of an (H, W) range image."""
        height, width = ranges.shape
        inclination = self.inclinations
        if inclination is None:
            inclination = self.lowest + (np.arange(height) + 0.5) / height * (self.highest - self.lowest)
        if len(inclination) != height:
            raise ValueError(f'a range image of {height} rows, and {len(inclination)} inclinations are stated')
        # The first row looks highest. Columns run from the back to the right (in the vehicle's frame), over the front.
        inclination = inclination[::-1, None]
        turn = np.arctan2(self.laser2ego[1, 0], self.laser2ego[0, 0])
        azimuth = ((np.arange(width, 0, -1) - 0.5) / width * 2 - 1) * np.pi - turn
        directions = np.stack(
            [
                np.cos(azimuth) * np.cos(inclination),
                np.sin(azimuth) * np.cos(inclination),
                np.sin(inclination + 0 * azimuth),
            ],
            -1,
        )
        return (directions * ranges[..., None]) @ self.laser2ego[:3, :3].T + self.laser2ego[:3, 3]


def without_motion(points: np.ndarray, pixel_poses: np.ndarray, ego2world: np.ndarray) -> np.ndarray:
    """Points of a sweep in the vehicle's frame at one time.

    Args:
        points: (H, W, 3) in the vehicle's frame at each pixel's own time, metres.
        pixel_poses: (H, W, 6) roll, pitch and yaw (radians) and x, y, z of the vehicle in the world at these times; the
            angles turn about the fixed axes x, y, z in this order.
        ego2world: (4, 4) pose of the vehicle at that time.
    """
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(a), np.sin(a)) for a in np.moveaxis(pixel_poses[..., :3], -1, 0))
    rotation = np.stack(
        [
            np.stack([cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr], -1),
            np.stack([sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr], -1),
            np.stack([-sp, cp * sr, cp * cr], -1),
        ],
        -2,
    )
    in_world = np.einsum('hwij,hwj->hwi', rotation, points) + pixel_poses[..., 3:] - ego2world[:3, 3]
    return in_world @ ego2world[:3, :3]
