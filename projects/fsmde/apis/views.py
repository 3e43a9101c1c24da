"""From a frame's images to the views that the network takes: rectified, resized, with their calibration."""

import cv2
import numpy as np

from fsmde.rectification import rectify
from fsmde.rig_camera import RigCamera
from fsmde.virtual_cameras import pinholes_of, rectifiers_of

from .frame import Frame


class ViewMaker:
    """Makes the views of frames; the maps of a camera are made when it is first seen.

    Args:
        input_size: (H, W) of the views.
    """

    def __init__(self, input_size: tuple):
        self.input_size = tuple(input_size)

    def __call__(self, frame: Frame, camera: RigCamera) -> list:
        """The views of one camera.

        Returns:
            For each view the pinhole :class:`RigCamera` that stands for the camera, at its own size; the (H, W, 3) uint8
            RGB image, (3, 3) float64 ``cam2img`` in its pixels, and (H, W) bool, False where the image shows nothing.

        Raises:
            ValueError: If the image is not of the size that the camera's calibration is for.
        """
        image = frame.read(camera.name)
        camera.check_image(image.shape)
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
