"""Poses of frames in one another: (4, 4) matrices of what files say of them."""

import numpy as np


def quaternion_to_matrix(translation, quaternion) -> np.ndarray:
    """Return the (..., 4, 4) float64 transforms of translations and quaternions.

    Args:
        translation: (..., 3) x, y, z in metres.
        quaternion: (..., 4) w, x, y, z.

    Raises:
        ValueError: If a quaternion's norm is not 1 within 1 %.
    """
    quaternion = np.asarray(quaternion, dtype=np.float64)
    norm = np.linalg.norm(quaternion, axis=-1, keepdims=True)
    wrong = ~(np.abs(norm[..., 0] - 1) < 0.01)
    if wrong.any():
        raise ValueError(
            f'not a rotation: quaternion (w, x, y, z) = {quaternion[wrong][0].tolist()} has norm '
            f'{norm[wrong].flat[0]:.4f}, not 1'
        )
    w, x, y, z = np.moveaxis(quaternion / norm, -1, 0)
    rotation = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    matrix = np.zeros((*quaternion.shape[:-1], 4, 4))
    matrix[..., :3, :3] = np.moveaxis(np.array(rotation), (0, 1), (-2, -1))
    matrix[..., :3, 3] = translation
    matrix[..., 3, 3] = 1
    return matrix


def euler_to_matrix(translation, angles) -> np.ndarray:
    """(4, 4) float64 pose of a translation in metres and of roll, pitch and yaw in radians.

    They turn about the fixed axes x, y and z in this order, Rz(yaw) Ry(pitch) Rx(roll), as in ROS and URDF.
    """
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(angle), np.sin(angle)) for angle in angles)
    roll = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    pitch = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = yaw @ pitch @ roll, translation
    return pose
