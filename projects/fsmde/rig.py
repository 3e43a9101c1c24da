"""Camera geometry: the one place that projects, unprojects and knows which cameras are neighbours.

Conventions (see docs/conventions.md): z-depth in metres; camera frame x right, y down, z forward; ego frame x forward,
y left, z up; ``a2b`` maps points of ``a`` into ``b``. Image coordinates are continuous with pixel ``i`` covering
``[i, i + 1)``, so that resizing an image by ``s`` multiplies ``cam2img``'s first two rows by ``s``.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from fsmde.calibration import find_fault

ROUNDINGS = ('floor', 'truncate', 'round')
COLLISIONS = ('nearest', 'last')


@dataclass(frozen=True)
class CameraRig:
    """The calibration of N cameras that look at the world at one moment.

    Args:
        names: N camera names.
        cam2img: (N, 3, 3) float64 pinhole intrinsics in pixels.
        cam2ego: (N, 4, 4) float64 camera poses in the vehicle.

    Raises:
        ValueError: If a shape, an intrinsic matrix or a pose is not valid, see :mod:`fsmde.calibration`; names the camera.
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
        fault = find_fault(self.cam2img, self.cam2ego)
        if fault:
            (camera,), text = fault
            raise ValueError(f'camera {self.names[camera]}: {text}')

    @property
    def azimuths(self) -> np.ndarray:
        """(N,) azimuth of each optical axis in the ego frame, radians counter-clockwise from straight ahead."""
        axes = self.cam2ego[:, :3, 2]
        return np.arctan2(axes[:, 1], axes[:, 0])

    @property
    def _ring(self):
        """Cameras counter-clockwise.

        Cameras that look into one direction, less than 5 degrees from the next, are in the order of their names' list, lest
        the calibration of one scene have them in another order than that of the next.
        """
        azimuths = self.azimuths % (2 * np.pi)
        order = np.argsort(azimuths)
        apart = np.diff(azimuths[order], prepend=azimuths[order[-1]] - 2 * np.pi) >= np.radians(5)
        direction = np.empty(len(order), dtype=int)
        direction[order] = np.cumsum(apart)
        # Where no gap lies between the last camera and the first they look into one direction.
        direction[direction == 0] = direction.max()
        return np.argsort(direction, kind='stable')

    @property
    def neighbors(self) -> np.ndarray:
        """(N, 2) int64: the next camera to the left and to the right of each one, by azimuth.

        A rig of one camera has none: both entries are -1. In a rig of two both entries are the other camera.
        """
        N = len(self.names)
        if N == 1:
            return np.full((1, 2), -1)
        ring = self._ring
        neighbors = np.empty((N, 2), dtype=np.int64)
        neighbors[ring, 0] = np.roll(ring, -1)
        neighbors[ring, 1] = np.roll(ring, 1)
        return neighbors

    def mirrored_order(self) -> np.ndarray:
        """(N,) index of the camera that looks, after a left-right mirroring, where camera n looked before.

        A permutation that reverses the ring; of the N reversals the one whose azimuths agree best.
        """
        ring = self._ring
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
        neighbors: (N, 2) int64 left and right ring neighbour of each camera, -1 for none; on the CPU.
        image_size: (height, width) of the network's input in pixels.
    """

    cam2img: Tensor
    cam2ego: Tensor
    neighbors: Tensor
    image_size: tuple

    def pairs(self) -> Tensor:
        """(P, 2) int64 unordered pairs of adjacent cameras, each once; their number is known without asking a GPU."""
        left = self.neighbors[:, 0]
        pairs = torch.stack([torch.arange(len(left)), left], 1)[left >= 0]
        return pairs.sort(dim=1).values.unique(dim=0).to(self.cam2img.device, non_blocking=True)

    def rays(self, height: int, width: int) -> Tensor:
        """(B, N, height, width, 3) rays with z = 1 in camera frames, of the centres of a height x width grid."""
        H, W = self.image_size
        v = (torch.arange(height, device=self.cam2img.device) + 0.5) * (H / height)
        u = (torch.arange(width, device=self.cam2img.device) + 0.5) * (W / width)
        v, u = torch.meshgrid(v, u, indexing='ij')
        pixels = torch.stack([u, v, torch.ones_like(u)], -1).to(self.cam2img)
        # Inverting 3x3 intrinsics in closed form would forbid skew; in float64 the general inverse is exact enough.
        # inv_ex: linalg.inv has the host wait for the device, to tell it whether there is an inverse.
        inverse = torch.linalg.inv_ex(self.cam2img.double()).inverse.to(self.cam2img)
        return torch.einsum('bnij,hwj->bnhwi', inverse, pixels)

    def near_wedge(self, pairs: Tensor, height: int, width: int, margin: float) -> Tensor:
        """(B, P, height * width) bool: cells of a grid of one view that look to where another looks, far away.

        Args:
            pairs: (P, 2) int64: of the first view, towards the second.
            margin: How far beyond the second image's left and right border counts, in image widths.
        """
        rotation = self.cam2ego[..., :3, :3]
        rays = torch.einsum('bnij,bnhwj->bnhwi', rotation, self.rays(height, width)).flatten(2, 3)
        u, _, z = torch.einsum('bpij,bptj->ibpt', (self.cam2img @ rotation.mT)[:, pairs[:, 1]], rays[:, pairs[:, 0]])
        return (z > 0) & ((u / z.clamp(min=1e-6) / self.image_size[1] - 0.5).abs() < 0.5 + margin)

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
        inner: (P,) bool, True where the point lay in the image before it was rounded: 0 <= u <= W - 1 and 0 <= v <= H - 1.
    """

    camera: np.ndarray
    u: np.ndarray
    v: np.ndarray
    z: np.ndarray
    index: np.ndarray
    inner: np.ndarray

    def __getitem__(self, which) -> 'PixelPoints':
        return PixelPoints(*(getattr(self, field.name)[which] for field in fields(self)))

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
        flat = depth.reshape(-1)
        if collisions == 'nearest':
            flat[cell] = np.inf
            np.minimum.at(flat, cell, self.z)
        else:
            flat[cell] = self.z  # numpy keeps the last of several writes to one cell.
        return depth


def project_points(points, lidar2cam, cam2img, image_sizes, rounding: str = 'floor') -> PixelPoints:
    """Project a LiDAR cloud into all cameras of a rig.

    Args:
        points: (P, 3) points in the LiDAR frame, metres. Points that are not finite are left out.
        lidar2cam: (N, 4, 4) float64, with the motion between the sensors' times in it.
        cam2img: (N, 3, 3) float64.
        image_sizes: (N, 2) height and width in pixels of each image.
        rounding: ``'floor'``, which fits this module's image coordinates; ``'truncate'`` (DGP: pixel = int(u), so that
            -0.5 falls into pixel 0, with intrinsics in float32) or ``'round'`` (nuScenes devkit: nearest integer), as
            published ground truth has it.

    Returns:
        The points with z > 0 that fall into an image.
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f'rounding must be one of {ROUNDINGS}, found {rounding!r}')
    if rounding == 'truncate':
        # As dgp.utils.camera.Camera.from_params keeps them: one point in some thousand falls into another pixel.
        cam2img = np.float32(cam2img).astype(np.float64)
    to_integer = dict(floor=np.floor, truncate=np.trunc, round=np.round)[rounding]
    points = np.ascontiguousarray(np.asarray(points)[:, :3].T, dtype=np.float64)
    found = []
    for camera, (lidar2img, (height, width)) in enumerate(zip(cam2img @ lidar2cam[:, :3], image_sizes)):
        # Camera by camera the numbers stay in the CPU's cache, and what lies behind a camera is left out early.
        with np.errstate(invalid='ignore'):
            z = affine(lidar2img[2], points)
            index = np.flatnonzero((z > 0) & (z < np.inf))
        z, front = z[index], points[:, index]
        x, y = affine(lidar2img[0], front) / z, affine(lidar2img[1], front) / z
        u, v = to_integer(x), to_integer(y)
        inside = np.flatnonzero((u >= 0) & (v >= 0) & (u < width) & (v < height))
        x, y = x[inside], y[inside]
        inner = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        found.append((np.full(len(inside), camera), u[inside], v[inside], z[inside], index[inside], inner))
    types = np.int8, np.int16, np.int16, np.float32, np.int32, bool
    return PixelPoints(*(np.concatenate(column).astype(dtype) for column, dtype in zip(zip(*found), types)))


def affine(row, points):
    """(P,) row[:3] . point + row[3] of (3, P) points. Not a matrix product: BLAS would start threads in each worker."""
    return row[0] * points[0] + row[1] * points[1] + row[2] * points[2] + row[3]


def unproject_depth(depth, cam2img) -> np.ndarray:
    """Points of one (H, W) z-depth map in metres, (H, W, 3) float64 in the camera frame, of the pixels' centres."""
    height, width = depth.shape
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(cam2img).T
    return rays * depth[..., None]
