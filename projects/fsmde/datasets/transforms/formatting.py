"""Packing a frame for the model."""

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from fsmde.rig import CameraRig
from fsmde.structures import SurroundDepthSample

from ..index_checks import refuse_lenses

META_KEYS = (
    'frame_id',
    'scene',
    'source',
    'sample_idx',
    'timestamp',
    'tags',
    'labelled',
    'cam_names',
    'cam2img',
    'ori_cam2img',
    'cam2ego',
    'lidar2cam',
    'ori_cam2world',
    'ori_shape',
    'img_path',
    'lidar_path',
    'cam_order',
    'teacher_cam2img',
    'teacher_cam2ego',
    'teacher_shape',
    'teacher_cache',
    'lidar_pixels',
    'lidar_visible',
    'ori_visible',
    'dense_depth',
)


@TRANSFORMS.register_module()
class PackSurroundInputs(BaseTransform):
    """Pack a frame into ``dict(inputs=dict(img, teacher_img), data_samples=SurroundDepthSample)``.

    Images become (N, 3, H, W) uint8 tensors, still BGR. ``teacher_img`` is there behind :class:`KeepTeacherViews`; behind
    :class:`LoadTeacherAnswers` the sample has ``teacher_depth`` and perhaps ``teacher_features`` instead. The sample's
    ``aug2d`` (N, 3, 3) maps pixel coordinates of the teacher's view ``cam_order[n]`` to those of view n.

    Raises:
        ValueError: If the views are not of one size.
    """

    def transform(self, results):
        sizes = {image.shape[:2] for image in results['img']}
        if len(sizes) != 1:
            raise ValueError(
                f'frame {results["frame_id"]}: the views have the sizes {sorted(sizes)}; put ResizeViews into the pipeline'
            )
        refuse_lenses(results, 'packing')
        rig = CameraRig(tuple(results['cam_names']), results['cam2img'], results['cam2ego'])
        inputs = dict(img=stack_images(results['img']))
        meta = {key: results[key] for key in META_KEYS if key in results}
        meta['neighbors'] = results.get('neighbors', rig.neighbors)
        if 'teacher_img' in results:
            inputs['teacher_img'] = stack_images(results['teacher_img'])
        if 'teacher_ori2img' in results:
            teacher2ori = np.linalg.inv(results['teacher_ori2img'])[results['cam_order']]
            meta['aug2d'] = results['ori2img'] @ teacher2ori
        sample = SurroundDepthSample(metainfo=meta)
        sample.valid_mask = torch.from_numpy(np.stack(results['visible']))
        if 'gt_depth' in results:
            sample.gt_depth = torch.from_numpy(results['gt_depth'])
        for key in ('teacher_lidar', 'teacher_depth', 'teacher_features'):
            if key in results:
                setattr(sample, key, torch.from_numpy(results[key]))
        return dict(inputs=inputs, data_samples=sample)


def stack_images(images):
    """N (H, W, 3) uint8 arrays -> one (N, 3, H, W) uint8 tensor."""
    stacked = np.empty((len(images), 3, *images[0].shape[:2]), np.uint8)
    for channels, image in zip(stacked, images):
        cv2.split(image, list(channels))  # Writes into them: a tenth of the time of a transposed copy.
    return torch.from_numpy(stacked)
