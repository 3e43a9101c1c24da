"""From a frame's images to the views that the network takes: rectified, resized, with their calibration."""

import cv2
import numpy as np

from fsmde.datasets.transforms.geometric import resize_image
from fsmde.masks import resize_visible
from fsmde.rectification import Rectifier
from fsmde.rig_camera import RigCamera

from .frame import Frame


class ViewMaker:
    """Makes the views of frames; each camera's map is made when the camera is first seen.

    Args:
        input_size: (H, W) of the views.
    """

    def __init__(self, input_size: tuple):
        self.input_size, self._rectifiers = tuple(input_size), {}

    def __call__(self, frame: Frame, camera: RigCamera) -> tuple:
        """The view of one camera.

        Returns:
            (H, W, 3) uint8 RGB image, (3, 3) float64 ``cam2img`` in its pixels, and (H, W) bool, False where the rectified
            image shows nothing.

        Raises:
            ValueError: If the image is not of the size that the camera's calibration is for.
        """
        (H, W), (width, height) = self.input_size, camera.size
        image = frame.read(camera.name)
        camera.check_image(image.shape)
        visible = np.broadcast_to(True, (H, W))
        if camera.lens.MODEL != 'none':
            rectifier = self._rectifier(camera)
            image = rectifier(image)
            visible = resize_visible(rectifier.visible, H, W)
        if image.shape[:2] != (H, W):
            image = resize_image(image, H, W)
        cam2img = np.diag([W / width, H / height, 1.0]) @ camera.cam2img
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB), cam2img, visible

    def _rectifier(self, camera):
        found = self._rectifiers.get(camera.name)
        if found is None or found.camera is not camera:
            found = self._rectifiers[camera.name] = Rectifier(camera)
        return found
