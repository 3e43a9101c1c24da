"""From a frame's images to the views that the network takes: rectified, resized, with their calibration."""

import logging
from dataclasses import replace

import cv2
import numpy as np
import yaml
from mmengine.logging import print_log

from fsmde.rectification import rectify
from fsmde.rig_camera import RigCamera
from fsmde.virtual_cameras import pinholes_of, rectifiers_of
from fsmde.virtual_view import VirtualView

from .frame import Frame

#: How many times fy the focal length fx may be in what the network sees, or the other way round, until it is said.
MOST_STRETCH = 1.1


class ViewMaker:
    """Makes the views of frames; the maps of a camera are made when it is first seen. Views of another aspect than the
    network's are stretched, which is said once a camera where it is much.

    Args:
        input_size: (H, W) of the views.
    """

    def __init__(self, input_size: tuple):
        self.input_size, self._seen = tuple(input_size), set()

    def __call__(self, frame: Frame, camera: RigCamera) -> list:
        """The views of one camera.

        Returns:
            For each view the pinhole :class:`RigCamera` that stands for the camera, at its own size; the (H, W, 3) uint8
            RGB image, (3, 3) float64 ``cam2img`` in its pixels, and (H, W) bool, False where the image shows nothing.

        Raises:
            ValueError: If the image is not of the size that the camera's calibration is for.
        """
        image = frame.read(camera.name)
        try:
            camera.check_image(image.shape)
        except ValueError as error:
            raise ValueError(f'frame {frame.name}: {error}') from error
        self._say_stretched(camera)
        (H, W), rectifiers = self.input_size, rectifiers_of(camera)
        views = []
        for pinhole, rectifier, view in zip(
            pinholes_of(camera), rectifiers, rectify(image, rectifiers, self.input_size)
        ):
            width, height = pinhole.size
            cam2img = np.diag([W / width, H / height, 1.0]) @ pinhole.cam2img
            visible = np.broadcast_to(True, (H, W))
            if not rectifier.changes_nothing:
                visible = rectifier.visible_at(self.input_size)
            views.append((pinhole, cv2.cvtColor(view, cv2.COLOR_BGR2RGB), cam2img, visible))
        return views

    def _say_stretched(self, camera):
        if camera.name in self._seen:
            return
        self._seen.add(camera.name)
        (H, W), pinholes, views = self.input_size, pinholes_of(camera), camera.views or [None]
        stretches = [p.cam2img[0, 0] * W / p.size[0] / (p.cam2img[1, 1] * H / p.size[1]) for p in pinholes]
        if all(1 / MOST_STRETCH <= stretch <= MOST_STRETCH for stretch in stretches):
            return
        mended = [unstretched(pinhole, view, self.input_size).described() for pinhole, view in zip(pinholes, views)]
        line = yaml.safe_dump(mended, default_flow_style=True, sort_keys=False, width=np.inf).strip()
        print_log(
            f'camera {camera.name}: brought to {W}x{H}, its images are stretched: fx is '
            f'{", ".join(f"{stretch:.2f}" for stretch in stretches)} times fy, and metres follow fx alone. Unless the model '
            f'was trained on images stretched like these, write into the rig file, under {camera.name}:\n'
            f'    views: {line}',
            'current',
            logging.WARNING,
        )


def unstretched(pinhole: RigCamera, view: VirtualView | None, input_size: tuple) -> VirtualView:
    """The largest view of a network's aspect, (H, W), and of square pixels around the axis of a pinhole.

    Args:
        pinhole: What the network sees now.
        view: The view that it is, which keeps its name and direction.
    """
    (H, W), (width, height), (fx, fy) = input_size, pinhole.size, pinhole.cam2img.diagonal()[:2]
    cx, cy = pinhole.cam2img[:2, 2]
    # At a distance of 1, to both sides of the axis, of which the shorter counts.
    across = float(2 * min(min(cx, width - cx) / fx, min(cy, height - cy) / fy * W / H))
    size = dict(width=round(across * fx), height=round(across * fx * H / W))
    hfov = round(float(np.degrees(2 * np.arctan(across / 2))), 3)
    return replace(view, hfov=hfov, **size) if view else VirtualView(hfov=hfov, **size)
