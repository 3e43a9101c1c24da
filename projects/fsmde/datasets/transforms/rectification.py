"""From images of cameras with lenses to pinhole views, behind which nothing knows of lenses."""

import logging

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS
from mmengine.logging import print_log

from fsmde.lenses import Lens
from fsmde.masks import resize_visible
from fsmde.plain_data import nearest
from fsmde.rectification import Rectifier, rectify
from fsmde.rig_camera import RigCamera
from fsmde.virtual_cameras import rectifiers_of
from fsmde.virtual_view import read_views

from ..rectified_rig import RectifiedRig

#: How much larger a view may be than what an image that was decoded at a fraction of its size shows of it.
MOST_ENLARGED = 1.5
#: Share of an image that a view of the camera's own frame may lose before that is said.
MOST_LOST = 0.3

_LOOKED_AT = set()


@TRANSFORMS.register_module()
class RectifyViews(BaseTransform):
    """Make pinhole views of the images of cameras that have lenses, so that whatever follows sees a rig of pinholes.

    Belongs directly behind :class:`LoadSurroundImages`. Without ``views`` a camera becomes a pinhole of the same name, size
    and ``cam2img``, and a pinhole stays as it is. With them it becomes one or several virtual cameras, a fisheye looking
    left, ahead and right for example, which turn about its centre and are called ``camera/view``. From here on the
    frame's cameras are these, with their names, calibration, poses and sizes: ``ori_cam2img`` and ``ori_shape`` are those
    of the views at their full size, evaluation happens in them. What the original image does not show of a view is black
    and not ``visible``: no ground truth, and nothing a teacher says.

    The data set looks for this transform in its pipeline, so that its ``metainfo``, ``lidar_pixels`` and ``visible_masks``
    speak of the same cameras.

    Args:
        views: {camera: list of views}, each a dict with ``hfov`` (degrees), ``width``, ``height`` (pixels), where there
            are several a ``name``, and perhaps ``azimuth``, ``elevation`` and ``level``, see
            :class:`fsmde.virtual_view.VirtualView`. As ``views`` of a camera in a rig file.
        size: (height, width) of the images made. Making them at the network's size at once, where ``ResizeViews`` would
            come to in the end, takes half the time of two steps. Their full size by default.

    Raises:
        ValueError: If a view or its camera is not valid, or the images are not as they were loaded.
    """

    def __init__(self, views: dict = None, size: tuple = None):
        self.views = {
            camera: read_views(of, f'RectifyViews: views of {camera}') for camera, of in (views or {}).items()
        }
        self.size = size and tuple(size)

    def names(self, cameras: list) -> list:
        """The names of the views that stand for N cameras.

        Raises:
            ValueError: If ``views`` names a camera that is not there, or two views have one name.
        """
        for camera in self.views:
            if camera not in cameras:
                raise ValueError(
                    f'RectifyViews: there is no camera {camera!r}{nearest(camera, cameras)}; the data set has {list(cameras)}'
                )
        names = [view.name_in(camera) if view else camera for camera in cameras for view in self._views_of(camera)]
        if len(set(names)) < len(names):
            raise ValueError(f'RectifyViews: two views have one name: {names}')
        return names

    def _views_of(self, camera):
        return self.views.get(camera) or [None]

    def rig(self, frame: dict, sizes) -> RectifiedRig:
        """The virtual cameras of a frame.

        Args:
            frame: Has ``frame_id``, ``cam_names``, ``cam2img``, ``cam2ego`` and perhaps ``lenses``, as
                :meth:`fsmde.datasets.SurroundDepthDataset.get_data_info` returns it.
            sizes: N (height, width) of the original images.
        """
        cameras, rectifiers = frame['cam_names'], []
        names = self.names(cameras)
        for n, camera in enumerate(cameras):
            lens, views = (frame.get('lenses') or [Lens()] * len(cameras))[n], self.views.get(camera, ())
            pose = frame['cam2ego'][n] if any(view.level for view in views) else None
            try:
                rectifiers.append(
                    rectifiers_of(
                        RigCamera(camera, tuple(sizes[n])[::-1], frame['cam2img'][n], lens, pose, views=views)
                    )
                )
            except ValueError as error:
                raise ValueError(f'frame {frame["frame_id"]}: {error}') from error
            if not views and lens.MODEL != Lens.MODEL and camera not in _LOOKED_AT:
                _LOOKED_AT.add(camera)
                say_loss(camera, rectifiers[-1][0])
        camera = np.repeat(np.arange(len(cameras)), [len(of) for of in rectifiers])
        return RectifiedRig(names, camera, [rectifier for of in rectifiers for rectifier in of])

    def transform(self, results):
        scales = np.array([[matrix[0, 0], matrix[1, 1]] for matrix in results['ori2img']])
        sizes = [image.shape[:2] for image in results['img']]
        wanted = np.ceil(results['ori_shape'] * scales[:, ::-1])
        untouched = [np.diag(np.diag(matrix)) for matrix in results['ori2img']]
        if (
            'rectified' in results
            or 'dense_depth' in results
            or not (np.array_equal(sizes, wanted) and np.array_equal(results['ori2img'], untouched))
        ):
            raise ValueError(
                f'frame {results["frame_id"]}: RectifyViews needs the images as they were loaded: put it directly behind '
                'LoadSurroundImages, once'
            )
        frame = dict(results, cam2img=results['ori_cam2img'])
        rig = self.rig(frame, results['ori_shape'])
        images, visible = [], []
        for n, (image, mask, scale) in enumerate(zip(results['img'], results['visible'], scales)):
            mine = [rectifier for rectifier, camera in zip(rig.rectifiers, rig.camera) if camera == n]
            self._check_resolution(results['cam_names'][n], mine, scale)
            images += rectify(image, mine, self.size, tuple(scale.tolist()))
            for rectifier in mine:
                of_view = self.size or rectifier.size[::-1]
                visible.append(
                    resize_visible(mask, *of_view) if rectifier.changes_nothing else rectifier.mask(mask, of_view)
                )
        results.update(rig.calibration(frame))
        results.pop('lenses', None)
        results.update(
            rectified=rig,
            original_visible=results['visible'],
            img=images,
            visible=visible,
            cam_names=rig.cam_names,
            ori_cam2img=results['cam2img'],
            ori_shape=rig.sizes,
            img_path=[results['img_path'][n] for n in rig.camera],
            cam_order=np.arange(len(images)),
        )
        made = np.array([image.shape[:2] for image in images])
        results['ori2img'] = np.stack([np.diag([w, h, 1.0]) for h, w in made / rig.sizes])
        results['cam2img'] = results['ori2img'] @ results['ori_cam2img']
        return results

    def _check_resolution(self, camera, rectifiers, scale):
        """Refuse images that were decoded at a fraction of their size and are too small for their views."""
        for rectifier in rectifiers if scale[0] < 1 else ():
            enlarged = 1 / (rectifier.shrinks(self.size or rectifier.size[::-1]) * scale).min()
            if enlarged > MOST_ENLARGED:
                raise ValueError(
                    f'camera {camera}: decoded at {scale[0]:g} of its size, its image would be enlarged {enlarged:.1f} times '
                    'for a view: leave reduce_to of LoadSurroundImages away, or give RectifyViews the size of the network'
                )


def say_loss(camera: str, rectifier: Rectifier) -> None:
    """Log how much of a camera's image lies beyond the view of its own frame, if that is much."""
    rays = rectifier.camera.lens.unproject(
        (places_over(rectifier.camera.size) - rectifier.cam2img[:2, 2]) / np.diag(rectifier.cam2img)[:2]
    )
    with np.errstate(invalid='ignore', divide='ignore'):
        pixels = rays[:, :2] / rays[:, 2:] * np.diag(rectifier.cam2img)[:2] + rectifier.cam2img[:2, 2]
        shown = (rays[:, 2] > 0) & ((pixels > 0) & (pixels < rectifier.size)).all(1)
    lost = 1 - shown.sum() / max(1, np.isfinite(rays[:, 2]).sum())
    if lost > MOST_LOST:
        print_log(
            f'{camera}: {lost:.0%} of what its lens shows is in no view: a pinhole of the same size and cam2img does not hold '
            f'it. RectifyViews(views={{{camera!r}: [...]}}) says which pinholes do (docs/data.md)',
            'current',
            logging.WARNING,
        )


def places_over(size: tuple) -> np.ndarray:
    """(P, 2) pixels, evenly over an image of (width, height)."""
    u, v = ((np.arange(50) + 0.5) * side / 50 for side in size)
    return np.stack(np.meshgrid(u, v), -1).reshape(-1, 2)
