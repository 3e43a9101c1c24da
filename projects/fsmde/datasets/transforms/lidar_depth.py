"""LiDAR -> depth: at the network's size for training, as sparse pixels of the original images for evaluation."""

import zlib

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from fsmde.rig import project_points
from fsmde.structures import PackedMask

from ..index_checks import refuse_lenses
from .rectification import RectifyViews


@TRANSFORMS.register_module()
class SubsampleLidar(BaseTransform):
    """Keep a random share of a frame's LiDAR points, the same ones in every epoch, as of a sparser sensor.

    For training with fewer labels: evaluation keeps all points unless its pipeline has this too. Belongs behind
    ``LoadSurroundLidar``.

    Args:
        fraction: Share of the points to keep, in (0, 1].
    """

    def __init__(self, fraction: float):
        if not 0 < fraction <= 1:
            raise ValueError(f'SubsampleLidar: fraction must lie in (0, 1], found {fraction}')
        self.fraction = fraction

    def transform(self, results):
        # Drawn by the frame's name and not by results['rng']: a sensor does not know of epochs.
        rng = np.random.default_rng(zlib.crc32(str(results['frame_id']).encode()))
        points = results['lidar_points']
        results['lidar_points'] = points[rng.random(len(points)) < self.fraction]
        return results


@TRANSFORMS.register_module()
class KeepLidarPixels(BaseTransform):
    """Project the LiDAR into the images at their original size and keep the pixels, for evaluation.

    Belongs directly behind the loading transforms and :class:`RectifyViews`, whose views are then the images, at their own
    size. Adds ``lidar_pixels`` (:class:`fsmde.rig.PixelPoints`, rounded by the
    data set's own rule, in the sensor's order), ``lidar_visible`` (P,) bool, False where the car itself is seen, and
    where there are masks ``ori_visible``, N :class:`fsmde.structures.PackedMask`. A frame of six DDAD cameras takes about
    0.7 MiB, where depth maps would take 54.
    """

    def transform(self, results):
        refuse_lenses(results, 'KeepLidarPixels')
        rig, masks = results.get('rectified'), results.get('original_visible', results['visible'])
        if rig is None:
            rig = RectifyViews().rig(dict(results, cam2img=results['ori_cam2img']), results['ori_shape'])
        for mask, size in zip(masks, rig.original_sizes):
            if mask.shape != tuple(size):
                raise ValueError(
                    f'KeepLidarPixels needs images of their original size {size.tolist()}, found {list(mask.shape)}: put it '
                    'directly behind the loading transforms and RectifyViews, without reduce_to there'
                )
        results['lidar_pixels'], results['lidar_visible'] = rig.lidar_pixels(
            results['lidar_points'], results['lidar2cam'], masks, results['rounding']
        )
        if 'mask_path' in results:
            results['ori_visible'] = [PackedMask.pack(mask) for mask in rig.masks(masks)]
        return results


@TRANSFORMS.register_module()
class ProjectLidarDepth(BaseTransform):
    """Project the LiDAR into the views at their current size: adds ``gt_depth`` (N, H, W) float32 metres, 0 = none.

    Belongs behind every geometric transform: depth is never resized. Of several points in one pixel the nearest stays.
    """

    def transform(self, results):
        refuse_lenses(results, 'ProjectLidarDepth')
        results['gt_depth'] = depth_of_lidar(results)
        return results


def depth_of_lidar(results: dict) -> np.ndarray:
    """LiDAR in a frame's views as they are now, (N, H, W) float32 metres, 0 where no point fell."""
    sizes = [image.shape[:2] for image in results['img']]
    height, width = np.max(sizes, axis=0)
    pixels = project_points(results['lidar_points'], results['lidar2cam'], results['cam2img'], sizes)
    return pixels.scatter(len(sizes), height, width)


@TRANSFORMS.register_module()
class DenseDepthAsTarget(BaseTransform):
    """Supervise with dense depth instead of LiDAR: ``gt_depth`` is ``dense_depth`` at the nearest pixel.

    For teachers and upper bounds on the built-in world.

    Args:
        sky: Metres that are learned where the world is seen and has no depth, which is the sky and what lies beyond the
            range of the dense maps; None learns nothing there. Depth foundation models know the sky, LiDAR does not.
    """

    def __init__(self, sky: float = None):
        self.sky = sky

    def transform(self, results):
        depth = []
        for n, image in enumerate(results['img']):
            h, w = image.shape[:2]
            u, v = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
            matrix = np.linalg.inv(results['ori2img'][n])
            # Resize, crop and flip are diagonal: columns and rows are looked up by themselves.
            column = np.floor(matrix[0, 0] * u[0] + matrix[0, 2]).astype(int)
            row = np.floor(matrix[1, 1] * v[:, 0] + matrix[1, 2]).astype(int)
            full = results['dense_depth'][results['cam_order'][n]]
            depth.append(full[row.clip(0, full.shape[0] - 1)[:, None], column.clip(0, full.shape[1] - 1)])
        results['gt_depth'] = np.stack(depth)
        if self.sky is not None:
            results['gt_depth'][np.stack(results['visible']) & (results['gt_depth'] == 0)] = self.sky
        return results
