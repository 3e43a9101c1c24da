"""What stock transforms of mmdet3d cannot do, as it is usually written: the baseline of ``benchmark_loader.py``.

Not for training: :class:`LoadSurroundImages`, :class:`LoadSurroundLidar` and :class:`ProjectLidarDepth` do the same faster.
"""

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.datasets.transforms import LoadPointsFromFile
from mmdet3d.registry import TRANSFORMS

from ..index_checks import refuse_lenses


@TRANSFORMS.register_module()
class StockFrame(BaseTransform):
    """Give a frame the keys that mmdet3d's multi-view transforms read: ``images`` and ``lidar_points``."""

    def transform(self, results):
        refuse_lenses(results, 'mmdet3d')
        cameras = zip(results['cam_names'], results['img_path'], results['cam2img'], results['lidar2cam'])
        results['images'] = {
            name: dict(img_path=path, cam2img=cam2img, lidar2cam=lidar2cam)
            for name, path, cam2img, lidar2cam in cameras
        }
        results['lidar_points'] = dict(lidar_path=results['lidar_path'])
        return results


@TRANSFORMS.register_module()
class StockLoadNpzPoints(LoadPointsFromFile):
    """``LoadPointsFromFile`` for DGP's .npz files, float32 as there."""

    def _load_points(self, pts_filename):
        with np.load(pts_filename, allow_pickle=False) as archive:
            return archive['data'].astype(np.float32)


@TRANSFORMS.register_module()
class StockProjectDepth(BaseTransform):
    """Project ``points`` into one view after the other: adds ``depths`` (N, H, W) float32 metres, 0 = none.

    Of several points in one pixel the nearest stays: it is written last.
    """

    def transform(self, results):
        points = results['points'].tensor[:, :3].numpy()
        homogeneous = np.concatenate([points, np.ones_like(points[:, :1])], 1)
        depths = []
        for image, cam2img, lidar2cam in zip(results['img'], results['cam2img'], results['lidar2cam']):
            height, width = image.shape[:2]
            in_camera = (homogeneous @ lidar2cam.T)[:, :3]
            in_camera = in_camera[in_camera[:, 2] > 0]
            pixels = in_camera @ cam2img.T
            z = pixels[:, 2]
            u, v = np.floor(pixels[:, :2] / z[:, None]).astype(int).T
            inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
            u, v, z = u[inside], v[inside], z[inside]
            order = np.argsort(-z)
            depth = np.zeros((height, width), np.float32)
            depth[v[order], u[order]] = z[order]
            depths.append(depth)
        results['depths'] = np.stack(depths)
        return results
