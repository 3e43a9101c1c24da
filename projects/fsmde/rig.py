"""Camera geometry: the one place that projects, unprojects and knows which cameras are neighbours.

Conventions (see docs/conventions.md): z-depth in metres; camera frame x right, y down, z forward; ego frame x forward,
y left, z up; ``a2b`` maps points of ``a`` into ``b``. Image coordinates are continuous with pixel ``i`` covering
``[i, i + 1)``, so that resizing an image by ``s`` multiplies ``cam2img``'s first two rows by ``s``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

ROUNDINGS = ('floor', 'truncate', 'round')
COLLISIONS = ('nearest', 'last')


def quaternion_to_matrix(translation, quaternion) -> np.ndarray:
    """Return the 4x4 float64 transform of a translation (x, y, z) in metres and a quaternion (w, x, y, z).

    Raises:
        ValueError: If the quaternion's norm is not 1 within 1 %.
    """
    w, x, y, z = quaternion = np.asarray(quaternion, dtype=np.float64)
    norm = np.linalg.norm(quaternion)
    if not abs(norm - 1) < 0.01:
        raise ValueError(f'not a rotation: quaternion (w, x, y, z) = {quaternion.tolist()} has norm {norm:.4f}, not 1')
    w, x, y, z = quaternion / norm
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = translation
    return matrix


@dataclass(frozen=True)
class CameraRig:
    """The calibration of N cameras that look at the world at one moment.

    Args:
        names: N camera names.
        cam2img: (N, 3, 3) float64 pinhole intrinsics in pixels.
        cam2ego: (N, 4, 4) float64 camera poses in the vehicle.

    Raises:
        ValueError: If a shape, an intrinsic matrix or a rotation is not valid; names the camera.
    """

    names: tuple
    cam2img: np.ndarray
    cam2ego: np.ndarray

    def __post_init__(self):
        N = len(self.names)
        if self.cam2img.shape != (N, 3, 3) or self.cam2ego.shape != (N, 4, 4):
            raise ValueError(
                f'{N} cameras {list(self.names)} need cam2img ({N}, 3, 3) and cam2ego ({N}, 4, 4), '
                f'found {self.cam2img.shape} and {self.cam2ego.shape}'
            )
        for name, K, T in zip(self.names, self.cam2img, self.cam2ego):
            if not np.isfinite(K).all() or not (K[0, 0] > 0 and K[1, 1] > 0):
                raise ValueError(f'camera {name}: cam2img is singular or not finite: {K.tolist()}')
            if not np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-3) or not np.isfinite(T).all():
                raise ValueError(f'camera {name}: cam2ego holds no rotation: {T[:3, :3].tolist()}')

    @property
    def azimuths(self) -> np.ndarray:
        """(N,) azimuth of each optical axis in the ego frame, radians counter-clockwise from straight ahead."""
        axes = self.cam2ego[:, :3, 2]
        return np.arctan2(axes[:, 1], axes[:, 0])

    @property
    def neighbors(self) -> np.ndarray:
        """(N, 2) int64: the next camera to the left and to the right of each one, by azimuth.

        A rig of one camera has none: both entries are -1. In a rig of two both entries are the other camera.
        """
        N = len(self.names)
        if N == 1:
            return np.full((1, 2), -1)
        # Counter-clockwise from the front: of two cameras with one azimuth the first named comes first.
        ring = np.argsort(np.round(self.azimuths, 6) % (2 * np.pi), kind='stable')
        neighbors = np.empty((N, 2), dtype=np.int64)
        neighbors[ring, 0] = np.roll(ring, -1)
        neighbors[ring, 1] = np.roll(ring, 1)
        return neighbors

    def mirrored_order(self) -> np.ndarray:
        """(N,) index of the camera that looks, after a left-right mirroring, where camera n looked before.

        A permutation that reverses the ring; of the N reversals the one whose azimuths agree best.
        """
        ring = np.argsort(np.round(self.azimuths, 6) % (2 * np.pi), kind='stable')
        reversals = [np.roll(ring[::-1], shift) for shift in range(len(ring))]
        difference = [
            np.abs(np.exp(-1j * self.azimuths[r]) - np.exp(1j * self.azimuths[ring])).sum() for r in reversals
        ]
        order = np.empty_like(ring)
        order[ring] = reversals[int(np.argmin(difference))]
        return order


@dataclass
class RigBatch:
    """The calibration of B frames of N cameras, as tensors on the model's device.

    Args:
        cam2img: (B, N, 3, 3) float32 intrinsics in pixels of the network's input.
        cam2ego: (B, N, 4, 4) float32.
        neighbors: (N, 2) int64 left and right ring neighbour of each camera, -1 for none.
        image_size: (height, width) of the network's input in pixels.
    """

    cam2img: Tensor
    cam2ego: Tensor
    neighbors: Tensor
    image_size: tuple

    def pairs(self) -> Tensor:
        """(P, 2) int64 unordered pairs of adjacent cameras, each once."""
        left = self.neighbors[:, 0]
        this = torch.arange(len(left), device=left.device)
        pairs = torch.stack([this, left], 1)[left >= 0]
        return pairs.sort(dim=1).values.unique(dim=0)

    def rays(self, height: int, width: int) -> Tensor:
        """(B, N, height, width, 3) rays with z = 1 in camera frames, of the centres of a height x width grid."""
        H, W = self.image_size
        v = (torch.arange(height, device=self.cam2img.device) + 0.5) * (H / height)
        u = (torch.arange(width, device=self.cam2img.device) + 0.5) * (W / width)
        v, u = torch.meshgrid(v, u, indexing='ij')
        pixels = torch.stack([u, v, torch.ones_like(u)], -1).to(self.cam2img)
        # Inverting 3x3 intrinsics in closed form would forbid skew; in float64 the general inverse is exact enough.
        inverse = torch.linalg.inv(self.cam2img.double()).to(self.cam2img)
        return torch.einsum('bnij,hwj->bnhwi', inverse, pixels)

    def unproject(self, depth: Tensor) -> Tensor:
        """Points of (B, N, h, w) z-depths in metres as (B, N, h, w, 3) in the ego frame."""
        points = self.rays(*depth.shape[-2:]) * depth[..., None]
        return (
            torch.einsum('bnij,bnhwj->bnhwi', self.cam2ego[..., :3, :3], points)
            + self.cam2ego[:, :, None, None, :3, 3]
        )


@dataclass(frozen=True)
class PixelPoints:
    """LiDAR points that fall into the images of a rig, in the order in which the sensor gave them.

    Args:
        camera, u, v: (P,) integer camera index and pixel column and row.
        z: (P,) float32 z-depth in metres.
        index: (P,) index of the point in the cloud.
    """

    camera: np.ndarray
    u: np.ndarray
    v: np.ndarray
    z: np.ndarray
    index: np.ndarray

    def scatter(self, num_cameras: int, height: int, width: int, collisions: str = 'nearest') -> np.ndarray:
        """Write the points into (num_cameras, height, width) float32 depth maps, 0 = no measurement.

        Args:
            collisions: Which of several points in one pixel stays: the ``'nearest'``, or the ``'last'`` written (as
                DGP and the nuScenes devkit have it).
        """
        if collisions not in COLLISIONS:
            raise ValueError(f'collisions must be one of {COLLISIONS}, found {collisions!r}')
        depth = np.zeros((num_cameras, height, width), dtype=np.float32)
        cell = (self.camera.astype(np.int64) * height + self.v) * width + self.u
        if collisions == 'nearest':
            # Far points first: numpy keeps the last of several writes to one cell.
            order = np.argsort(-self.z)
            depth.reshape(-1)[cell[order]] = self.z[order]
        else:
            depth.reshape(-1)[cell] = self.z
        return depth


def project_points(points, lidar2cam, cam2img, image_sizes, rounding: str = 'floor') -> PixelPoints:
    """Project a LiDAR cloud into all cameras of a rig in one pass.

    Args:
        points: (P, 3) points in the LiDAR frame, metres. Points that are not finite are left out.
        lidar2cam: (N, 4, 4) float64, with the motion between the sensors' times in it.
        cam2img: (N, 3, 3) float64.
        image_sizes: (N, 2) height and width in pixels of each image.
        rounding: ``'floor'``, which fits this module's image coordinates; ``'truncate'`` (DGP: pixel = int(u), so that
            -0.5 falls into pixel 0) or ``'round'`` (nuScenes devkit: nearest integer), as published ground truth has it.

    Returns:
        The points with z > 0 that fall into an image.
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f'rounding must be one of {ROUNDINGS}, found {rounding!r}')
    points = np.ascontiguousarray(np.asarray(points)[:, :3].T, dtype=np.float64)
    lidar2img = cam2img @ lidar2cam[:, :3]
    # einsum, not matmul: BLAS would start threads in every worker of a loader.
    u, v, z = np.einsum('nij,jp->inp', lidar2img[..., :3], points) + lidar2img[..., 3].T[..., None]
    camera, index = np.nonzero((z > 0) & (z < np.inf))
    z = z[camera, index]
    to_integer = dict(floor=np.floor, truncate=np.trunc, round=np.round)[rounding]
    u, v = to_integer(u[camera, index] / z), to_integer(v[camera, index] / z)
    height, width = np.asarray(image_sizes)[camera].T
    inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
    return PixelPoints(
        camera[inside].astype(np.int8),
        u[inside].astype(np.int16),
        v[inside].astype(np.int16),
        z[inside].astype(np.float32),
        index[inside].astype(np.int32),
    )


def unproject_depth(depth, cam2img) -> np.ndarray:
    """Points of one (H, W) z-depth map in metres, (H, W, 3) float64 in the camera frame, of the pixels' centres."""
    height, width = depth.shape
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(cam2img).T
    return rays * depth[..., None]
