"""Resize, crop and flip of all views of a frame; calibration follows, LiDAR depth is projected afterwards."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from fsmde.masks import resize_visible
from fsmde.resizing import resize_image
from fsmde.rig import CameraRig

from ..index_checks import refuse_lenses
from .lidar_depth import depth_of_lidar


def warp_views(results, matrices):
    """Multiply (N, 3, 3) pixel transforms onto ``cam2img`` and ``ori2img``; images with lenses are refused."""
    refuse_lenses(results, 'a resize or crop')
    results['cam2img'] = matrices @ results['cam2img']
    results['ori2img'] = matrices @ results['ori2img']


@TRANSFORMS.register_module()
class ResizeViews(BaseTransform):
    """Resize every view to one size.

    Args:
        size: (height, width) in pixels. Aspect ratios are not kept: DDAD's 1216x1936 becomes 384x640 in the literature.
    """

    def __init__(self, size):
        self.size = tuple(size)

    def transform(self, results):
        H, W = self.size
        matrices = []
        for n, image in enumerate(results['img']):
            h, w = image.shape[:2]
            if (h, w) != (H, W):
                results['img'][n] = resize_image(image, H, W)
                results['visible'][n] = resize_visible(results['visible'][n], H, W)
            matrices.append(np.diag([W / w, H / h, 1.0]))
        warp_views(results, np.stack(matrices))
        return results


@TRANSFORMS.register_module()
class KeepTeacherViews(BaseTransform):
    """Keep the views as they are now for the teacher, which sees no random augmentation.

    Belongs behind the first resize and before the first random transform. Adds ``teacher_img`` (list of N uint8 BGR),
    ``teacher_shape`` (their height and width), ``teacher_cam2img``, ``teacher_cam2ego`` and ``teacher_ori2img``, all in the
    original camera order.

    Args:
        lidar: Add ``teacher_lidar``, the LiDAR in these views, (N, H, W) float32 metres, 0 where no point fell or the car
            itself is seen, for teachers that read it.
    """

    def __init__(self, lidar: bool = False):
        self.lidar = lidar

    def transform(self, results):
        remember_views(results)
        results['teacher_img'] = [image.copy() for image in results['img']]
        if self.lidar:
            # What is behind the car's own bonnet in the image was not seen there.
            results['teacher_lidar'] = np.where(np.stack(results['visible']), depth_of_lidar(results), 0)
        return results


def remember_views(results: dict) -> dict:
    """Keep what is needed to move a teacher's answers into views that later transforms change."""
    refuse_lenses(results, 'a teacher')
    results['teacher_shape'] = results['img'][0].shape[:2]
    for key in ('cam2img', 'cam2ego', 'ori2img'):
        results[f'teacher_{key}'] = results[key].copy()
    return results


@TRANSFORMS.register_module()
class RandomZoomCrop(BaseTransform):
    """Enlarge each view by a random factor and crop it back to its size at a random place.

    Focal lengths grow with the zoom: with a focal reference the network's metric scale stays right.

    Args:
        max_zoom: The factor is uniform in [1, max_zoom], one for the whole rig; the crop is drawn for each view.
    """

    def __init__(self, max_zoom: float = 1.2):
        if not max_zoom >= 1:
            raise ValueError(f'max_zoom must be at least 1, found {max_zoom}')
        self.max_zoom = max_zoom

    def transform(self, results):
        rng, matrices = results['rng'], []
        zoom = rng.uniform(1, self.max_zoom)
        for n, image in enumerate(results['img']):
            h, w = image.shape[:2]
            crop_h, crop_w = round(h / zoom), round(w / zoom)
            top, left = rng.integers(h - crop_h + 1), rng.integers(w - crop_w + 1)
            window = np.s_[top : top + crop_h, left : left + crop_w]
            results['img'][n] = cv2.resize(image[window], (w, h), interpolation=cv2.INTER_LINEAR)
            results['visible'][n] = resize_visible(results['visible'][n][window], h, w)
            x, y = w / crop_w, h / crop_h
            matrices.append(np.array([[x, 0, -left * x], [0, y, -top * y], [0, 0, 1]]))
        warp_views(results, np.stack(matrices))
        return results


@TRANSFORMS.register_module()
class RandomFlipViews(BaseTransform):
    """Mirror the whole scene left to right: images, calibration, LiDAR, and the cameras' places in the ring.

    The world is mirrored at the vehicle's middle plane, so a flipped frame is a frame of a possible rig: camera frames
    stay right-handed, and the view of the front left camera takes the front right one's place.

    Args:
        prob: Probability of a flip.

    Raises:
        ValueError: If the frame has boxes, which would stay where they are.
    """

    def __init__(self, prob: float = 0.5):
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must lie in [0, 1], found {prob}')
        self.prob = prob

    def transform(self, results):
        refuse_lenses(results, 'RandomFlipViews')
        if 'gt_bboxes_3d' in results:
            raise ValueError(
                f'frame {results["frame_id"]}: RandomFlipViews mirrors cameras and LiDAR, and the boxes would stay where they '
                "are. For detectors take mmdet3d's RandomFlip3D, before SurroundFromInfos"
            )
        if results['rng'].random() >= self.prob:
            return results
        mirror_x, mirror_y = np.diag([-1.0, 1, 1, 1]), np.diag([1.0, -1, 1, 1])
        flips = np.stack([np.array([[-1.0, 0, i.shape[1]], [0, 1, 0], [0, 0, 1]]) for i in results['img']])
        rig = CameraRig(tuple(results['cam_names']), results['cam2img'], results['cam2ego'])
        order = rig.mirrored_order()
        # It reverses the ring, so each place keeps its neighbours. A mirrored rig alone may tell others, where several
        # cameras look one way.
        results.setdefault('neighbors', rig.neighbors)
        # The LiDAR's mirror plane is the vehicle's, seen from the LiDAR.
        lidar2ego = results['cam2ego'][0] @ results['lidar2cam'][0]
        mirror_lidar = np.linalg.inv(lidar2ego) @ mirror_y @ lidar2ego
        results['cam2ego'] = (mirror_y @ results['cam2ego'] @ mirror_x)[order]
        results['lidar2cam'] = (mirror_x @ results['lidar2cam'] @ np.linalg.inv(mirror_lidar))[order]
        results['cam2img'] = (flips @ results['cam2img'] @ mirror_x[:3, :3])[order]
        results['ori2img'] = (flips @ results['ori2img'])[order]
        results['cam_order'] = results['cam_order'][order]
        results['img'] = [cv2.flip(results['img'][n], 1) for n in order]
        results['visible'] = [results['visible'][n][:, ::-1] for n in order]
        if 'lidar_points' in results:
            results['lidar_points'] = results['lidar_points'] @ mirror_lidar[:3, :3].T + mirror_lidar[:3, 3]
        return results
