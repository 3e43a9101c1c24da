"""Reading images, LiDAR clouds and dense depth of a frame from disk."""

import os.path as osp

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from fsmde.image_files import load_image, load_reduced_image
from fsmde.masks import all_visible, load_visible, resize_visible

from ..index_checks import check_intrinsics, refuse_lenses
from .point_clouds import load_frame_points


def check_sizes(info: dict, sizes) -> None:
    """Compare the sizes of a frame's images with what its index says of them: with stated sizes and with intrinsics.

    Args:
        info: Entry of the index.
        sizes: N (height, width).

    Raises:
        ValueError: If an image has another size than is stated, or its intrinsics cannot be those of such an image.
    """
    stated = info.get('stated_sizes') or [None] * len(sizes)
    for path, size, expected in zip(info['img_path'], sizes, stated):
        _check_stated_size(path, size, expected)
    check_intrinsics(info, sizes)


def _check_stated_size(path, size, stated):
    if stated is not None and tuple(size) != tuple(stated):
        raise ValueError(
            f'{path} is {size[0]}x{size[1]} (height x width), its calibration is for {stated[0]}x{stated[1]}, '
            'as the index states or the data set has it. Use the original images (ResizeViews makes them smaller), or change '
            'sizes and intrinsics in the index'
        )


@TRANSFORMS.register_module()
class LoadSurroundImages(BaseTransform):
    """Read the images of a frame and the masks of the car's own body.

    Adds ``img`` (list of N (H, W, 3) uint8 BGR), ``visible`` (list of N (H, W) bool, all True without masks),
    ``ori_shape`` (N, 2) heights and widths, ``ori_cam2img``, ``ori2img`` (N, 3, 3: pixel coordinates of the original
    image -> of the current one) and ``cam_order`` (N,: which camera's image is now at position n).

    Args:
        reduce_to: (height, width) to which a later transform resizes the views. JPEGs that are at least twice as large
            are decoded at 1/2, 1/4 or 1/8 of their size, which takes half the time; ``cam2img`` follows. Not for PNG,
            and not where :class:`KeepLidarPixels` needs the original size.

    Raises:
        FileNotFoundError, ValueError: If a file cannot be read, or an image has another size than the index states
            (``stated_sizes``); names the file.
    """

    def __init__(self, reduce_to: tuple = None):
        self.reduce_to = reduce_to and tuple(reduce_to)

    def transform(self, results):
        if self.reduce_to:
            loaded = [load_reduced_image(path, self.reduce_to) for path in results['img_path']]
            images, factors, sizes = zip(*loaded)
        else:
            images = [load_image(path) for path in results['img_path']]
            factors, sizes = [1] * len(images), [image.shape[:2] for image in images]
        check_sizes(results, sizes)
        results['img'] = list(images)
        if 'mask_path' in results:
            value = results['mask_valid_value']
            results['visible'] = [load_visible(p, value, size) for p, size in zip(results['mask_path'], sizes)]
        else:
            results['visible'] = [all_visible(size) for size in sizes]
        results['ori_shape'] = np.array(sizes)
        for n, (image, factor) in enumerate(zip(images, factors)):
            if factor > 1:
                results['visible'][n] = resize_visible(results['visible'][n], *image.shape[:2])
        results['ori_cam2img'] = results['cam2img']
        results['ori2img'] = np.stack([np.diag([1 / factor, 1 / factor, 1.0]) for factor in factors])
        results['cam2img'] = results['ori2img'] @ results['ori_cam2img']
        results['cam_order'] = np.arange(len(images))
        return results


@TRANSFORMS.register_module()
class LoadSurroundLidar(BaseTransform):
    """Read the LiDAR cloud of a frame: adds ``lidar_points`` (P, 3) float64, metres, in the LiDAR's frame.

    P is 0 in a frame that is not ``labelled``, see :class:`fsmde.datasets.SurroundDepthDataset`. What is no measurement is
    NaN, see :func:`fsmde.datasets.transforms.point_clouds.load_points`.
    """

    def transform(self, results):
        if not results.get('labelled', True):
            results['lidar_points'] = np.empty((0, 3))
            return results
        results['lidar_points'] = load_frame_points(results)
        return results


@TRANSFORMS.register_module()
class LoadDenseDepth(BaseTransform):
    """Read dense depth at the original size: adds ``dense_depth`` (N, H0, W0) float32 metres, 0 = none.

    For data sets that have it (:class:`fsmde.datasets.DDADDataset` with ``dense_depth=...``): 16-bit PNG, metres * 256.
    Behind :class:`RectifyViews` it is z-depth of the views at their own size; ``dense_depth_measure`` of the frame says what
    the files hold, see :meth:`fsmde.rectification.Rectifier.dense`.

    Raises:
        FileNotFoundError, ValueError: If a map is absent, of another type, or of another size than its image.
    """

    def transform(self, results):
        refuse_lenses(results, 'LoadDenseDepth')
        if 'dense_depth_path' not in results:
            raise ValueError(f"frame {results['frame_id']} has no dense depth; give the data set dense_depth='...'")
        maps = [load_image(path, cv2.IMREAD_UNCHANGED) for path in results['dense_depth_path']]
        for path, depth in zip(results['dense_depth_path'], maps):
            if depth.dtype != np.uint16 or depth.ndim != 2:
                raise ValueError(f'{osp.abspath(path)}: expected 16-bit grey, found {depth.dtype} {depth.shape}')
        rig = results.get('rectified')
        sizes = results.get('ori_shape', []) if rig is None else rig.original_sizes
        for path, depth, size in zip(results['dense_depth_path'], maps, sizes):
            if depth.shape != tuple(size):
                raise ValueError(f'{path}: the depth map is {depth.shape}, its image {tuple(size)} (height, width)')
        maps = [depth.astype(np.float32) / 256 for depth in maps]
        measure = results.get('dense_depth_measure', 'z_depth')
        if rig is not None:
            maps = rig.dense_depth(maps, measure)
        elif measure != 'z_depth':
            raise ValueError(
                f'frame {results["frame_id"]}: its dense depth is the {measure}; RectifyViews behind LoadSurroundImages makes '
                'z-depth of it, add it to the pipeline'
            )
        if len({depth.shape for depth in maps}) > 1:
            raise ValueError(
                f'frame {results["frame_id"]}: dense depth maps must be of one size, found {[m.shape for m in maps]}'
            )
        results['dense_depth'] = np.stack(maps)
        return results
