"""From a camera's images to those of a pinhole camera in the same place, and depth back."""

import cv2
import numpy as np

from .rig_camera import RigCamera


def pixel_centers(height: int, width: int) -> np.ndarray:
    """(height, width, 2) u and v of all pixels' centres."""
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)


class Rectifier:
    """Takes the distortion out of a camera's images; makes its map once.

    The rectified camera has the size and ``cam2img`` of the original one and no distortion, so that the image's middle
    keeps its resolution. What a wide lens sees beyond that frame is lost; what the lens does not see within it is black.

    Args:
        camera: The camera.

    Attributes:
        original_of: (height, width, 2) float32 pixel coordinates in the original image of the rectified pixels' centres,
            NaN where the lens has no image.
        visible: (height, width) bool, False where the original image shows nothing.
    """

    def __init__(self, camera: RigCamera):
        self.camera = camera
        width, height = camera.size
        rays = _homogeneous(pixel_centers(height, width)) @ np.linalg.inv(camera.cam2img).T
        points = _homogeneous(camera.lens.project(rays))
        self.original_of = (points @ camera.cam2img[:2].T).astype(np.float32)
        with np.errstate(invalid='ignore'):
            self.visible = ((self.original_of > 0) & (self.original_of < [width, height])).all(-1)
        # OpenCV's first pixel has its centre at 0; it rounds NaN to anything.
        self._map = np.where(self.visible[..., None], self.original_of - np.float32(0.5), np.float32(-1e4))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The rectified image of a (height, width, ...) image of the camera; black where it shows nothing."""
        return cv2.remap(image, self._map, None, cv2.INTER_LINEAR)


def to_original_pixels(depth: np.ndarray, camera: RigCamera) -> np.ndarray:
    """Predicted z-depth of a rectified view in the pixels of the camera's original image.

    Rectifying turns no ray, so that z-depth stays; the map is resampled bilinearly.

    Args:
        depth: (h, w) metres, of the whole rectified view at any size.
        camera: The camera.

    Returns:
        (height, width) float32, 0 where the rectified view shows nothing of the original pixel.
    """
    width, height = camera.size
    h, w = depth.shape
    if camera.lens.MODEL == 'none':
        return cv2.resize(depth, (width, height), interpolation=cv2.INTER_LINEAR)
    points = _homogeneous(pixel_centers(height, width)) @ np.linalg.inv(camera.cam2img)[:2].T
    rays = camera.lens.unproject(points)
    with np.errstate(invalid='ignore', divide='ignore'):
        seen = rays[..., 2:] > 0
        pixels = _homogeneous(rays[..., :2] / rays[..., 2:]) @ camera.cam2img[:2].T
        inside = seen[..., 0] & ((pixels > 0) & (pixels < [width, height])).all(-1)
        # The last half pixel at the border has one neighbour only.
        places = np.clip(pixels * [w / width, h / height] - 0.5, 0, [w - 1, h - 1])
    places = np.where(inside[..., None], places, 0).astype(np.float32)
    return np.where(inside, cv2.remap(depth, places, None, cv2.INTER_LINEAR), np.float32(0))


def _homogeneous(points):
    return np.concatenate([points, np.ones_like(points[..., :1])], -1)
