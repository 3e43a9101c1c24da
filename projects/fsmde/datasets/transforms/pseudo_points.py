"""Depth maps of a whole rig -> one point cloud that a LiDAR detector reads."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS
from mmdet3d.structures import LiDARPoints

from fsmde.rig import unproject_depth

FRAMES = ('lidar', 'ego')


@TRANSFORMS.register_module()
class PseudoPointsFromDepth(BaseTransform):
    """Fuse the depth maps of a frame into ``points``, mmdet3d ``LiDARPoints``, in place of a LiDAR's.

    Reads ``depth_key`` (N, H, W) in metres, ``cam2img`` and ``lidar2cam`` (for the ego frame ``cam2ego``) and, where they
    are there, ``visible`` (N masks, False where the car itself is seen) and ``confidence`` (N, H, W) in [0, 1]. ``img``
    leaves the frame: mmdet3d's RandomFlip3D would flip images that it finds beside points.

    The columns are x, y, z, confidence (1 without a map) and 0, which stand where nuScenes' LiDAR has x, y, z, intensity
    and time; with ``color`` also r, g, b in [0, 1].

    Args:
        depth_key: Where the depth maps are: ``'gt_depth'`` for projected LiDAR.
        frame: ``'lidar'`` (mmdet3d's boxes live there) or ``'ego'``.
        stride: Take every ``stride``-th row and column.
        max_depth: Pixels at this z-depth (metres) or beyond give no point: a network puts the sky there.
        min_confidence: Pixels of less give no point.
        point_cloud_range: (x, y, z, x, y, z) in metres, low and high, outside of which there is no point.
        overlap_tolerance: Where two cameras see one surface, only the more confident one gives a point. It is one surface
            if the two z-depths in the other camera differ by less than this fraction; beyond it one camera looks past
            what hides the surface from the other, and both points stay.
        voxel_size: Edge in metres of cubes that keep their most confident point, None for all points.
        color: Append the colour of each pixel.

    Raises:
        ValueError: If an option is out of range, or the frame has no ``depth_key`` or, for colours, no ``img``.
    """

    def __init__(
        self,
        depth_key: str = 'gt_depth',
        frame: str = 'lidar',
        stride: int = 1,
        max_depth: float = 80.0,
        min_confidence: float = 0.0,
        point_cloud_range=None,
        overlap_tolerance: float = 0.1,
        voxel_size: float = None,
        color: bool = False,
    ):
        if frame not in FRAMES:
            raise ValueError(f'frame must be one of {FRAMES}, found {frame!r}')
        if stride < 1 or not max_depth > 0 or overlap_tolerance < 0 or (voxel_size is not None and not voxel_size > 0):
            raise ValueError(
                'stride >= 1, max_depth > 0, overlap_tolerance >= 0 and voxel_size > 0 (or None) must hold, found '
                f'{stride}, {max_depth}, {overlap_tolerance} and {voxel_size}'
            )
        if not 0 <= min_confidence <= 1:
            raise ValueError(f'min_confidence (--min-confidence) must lie in [0, 1], found {min_confidence}')
        if point_cloud_range is not None:
            point_cloud_range = np.asarray(point_cloud_range, dtype=np.float64)
            if point_cloud_range.shape != (6,) or not (point_cloud_range[:3] < point_cloud_range[3:]).all():
                raise ValueError(
                    'point_cloud_range (--range) must be x y z of the low and x y z of the high corner in metres, found '
                    f'{point_cloud_range.tolist()}'
                )
        self.depth_key, self.frame, self.stride, self.max_depth = depth_key, frame, stride, max_depth
        self.min_confidence, self.overlap_tolerance = min_confidence, overlap_tolerance
        self.point_cloud_range = point_cloud_range
        self.voxel_size, self.color = voxel_size, color

    def transform(self, results):
        for key in [self.depth_key, *(['img'] if self.color else [])]:
            if key not in results:
                raise ValueError(f'the frame has no {key!r}; put a transform that adds it before this one')
        depth = np.asarray(results[self.depth_key], dtype=np.float32)
        confidence = np.asarray(results.get('confidence', np.ones_like(depth)), dtype=np.float32)
        usable = np.isfinite(depth) & (depth > 0) & (depth < self.max_depth) & (confidence >= self.min_confidence)
        if 'visible' in results:
            usable &= np.stack(results['visible'])
        images = results.pop('img', None)
        if self.frame == 'lidar':
            cam2out = np.linalg.inv(np.asarray(results['lidar2cam'], dtype=np.float64))
        else:
            cam2out = np.asarray(results['cam2ego'], dtype=np.float64)
        cam2img = np.asarray(results['cam2img'], dtype=np.float64)

        views = []
        for n in range(len(depth)):
            v, u = np.nonzero(usable[n, :: self.stride, :: self.stride])
            v, u = v * self.stride, u * self.stride
            points = unproject_depth(depth[n], cam2img[n])[v, u] @ cam2out[n][:3, :3].T + cam2out[n][:3, 3]
            kept = self._in_range(points) & ~seen_better(
                n, points, confidence[n, v, u], depth, confidence, usable, cam2img, cam2out, self.overlap_tolerance
            )
            columns = [points, confidence[n, v, u, None], np.zeros((len(points), 1))]
            if self.color:
                columns.append(images[n][v, u, ::-1] / 255)
            views.append(np.concatenate(columns, 1)[kept])
        points = np.concatenate(views).astype(np.float32)
        if self.voxel_size is not None:
            points = points[most_confident_in_voxels(points, self.voxel_size)]
        colors = dict(color=[5, 6, 7]) if self.color else None
        results['points'] = LiDARPoints(points, points_dim=points.shape[1], attribute_dims=colors)
        return results

    def _in_range(self, points):
        if self.point_cloud_range is None:
            return np.ones(len(points), dtype=bool)
        low, high = self.point_cloud_range[:3], self.point_cloud_range[3:]
        return ((points >= low) & (points < high)).all(1)


def seen_better(n, points, point_confidence, depth, confidence, usable, cam2img, cam2out, tolerance) -> np.ndarray:
    """(P,) bool: whether another camera of the rig sees a point of camera ``n`` as well, and is surer of it.

    Of two that are equally sure the one with the lower index counts as surer.

    Args:
        n: Camera that gave the points.
        points: (P, 3) metres in the common frame.
        point_confidence: (P,) of each point in its own camera.
        depth, confidence, usable: (N, H, W) of all cameras.
        cam2img, cam2out: (N, 3, 3) and (N, 4, 4) camera -> common frame.
        tolerance: Largest relative difference of the two depths of one surface.
    """
    H, W = depth.shape[1:]
    better = np.zeros(len(points), dtype=bool)
    for m in range(len(depth)):
        if m == n:
            continue
        x, y, z = cam2img[m] @ ((points - cam2out[m][:3, 3]) @ cam2out[m][:3, :3]).T
        front = z > 1e-3
        u, v = np.full_like(z, -1), np.full_like(z, -1)
        np.divide(x, z, out=u, where=front)
        np.divide(y, z, out=v, where=front)
        inside = np.flatnonzero(front & (u >= 0) & (v >= 0) & (u < W) & (v < H))
        row, column = v[inside].astype(int), u[inside].astype(int)
        other, mine = confidence[m, row, column], point_confidence[inside]
        surer = (other > mine) | ((other == mine) & (m < n))
        same_surface = np.abs(depth[m, row, column] - z[inside]) < tolerance * z[inside]
        better[inside] |= usable[m, row, column] & surer & same_surface
    return better


def most_confident_in_voxels(points, voxel_size: float) -> np.ndarray:
    """Indices, ascending, of the point with the largest fourth column in each cube of ``voxel_size`` metres."""
    order = np.argsort(-points[:, 3], kind='stable')
    voxels = np.floor(points[order, :3] / voxel_size).astype(np.int64)
    _, first = np.unique(voxels, axis=0, return_index=True)
    return np.sort(order[first])
