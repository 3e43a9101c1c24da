"""The pinhole cameras that stand for a camera, and their depth in its own pixels again."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from .lenses import Lens
from .rectification import MEASURES, Rectifier, homogeneous, pixel_centers
from .rig_camera import RigCamera

#: Rectifiers that are kept, each with its maps: of a rig of as many views. One of 384x640 has 3 MiB.
KEPT = 32
#: Cameras whose rays are kept for the way back, which takes seconds of a lens: of a rig. Those of 1920x1280 have 28 MiB.
RAYS_KEPT = 12


def rectifiers_of(camera: RigCamera) -> list:
    """The :class:`Rectifier` of each view of a camera. Cameras of the same numbers share them, with their maps.

    Raises:
        ValueError: If a view shows nothing of the camera's image.
    """
    if not camera.views and camera.lens.MODEL == Lens.MODEL:
        return [Rectifier(camera)]  # Without maps, and so no reason to forget another's.
    return [
        _kept(
            camera.size,
            camera.cam2img.tobytes(),
            camera.lens,
            view,
            camera.cam2ego.tobytes() if view is not None and view.level else None,
        )
        for view in camera.views or [None]
    ]


@lru_cache(KEPT)
def _kept(size, cam2img, lens, view, cam2ego):
    cam2ego = None if cam2ego is None else np.frombuffer(cam2ego).reshape(4, 4)
    rectifier = Rectifier(RigCamera('camera', size, np.frombuffer(cam2img).reshape(3, 3), lens, cam2ego), view)
    width, height = rectifier.size
    few = pixel_centers(48, 48).reshape(-1, 2) * [width / 48, height / 48]
    if not np.isfinite(rectifier.pixels_of(homogeneous(few) @ np.linalg.inv(rectifier.cam2img).T)).any():
        raise ValueError(
            f'the view {view.name!r} (azimuth {view.azimuth:g}, elevation {view.elevation:g}) shows nothing of the image: '
            'does it look where the lens sees?'
            if view
            else 'nothing of the image is in a pinhole of its size and cam2img'
        )
    return rectifier


def pinholes_of(camera: RigCamera) -> list:
    """The views of a camera as cameras of a rig: without a lens, named ``camera/view``, each with its pose."""
    pinholes = []
    for view, rectifier in zip(camera.views or [None], rectifiers_of(camera)):
        pose = camera.cam2ego
        pinholes.append(
            replace(
                camera,
                name=camera.name if view is None else view.name_in(camera.name),
                size=rectifier.size,
                cam2img=rectifier.cam2img,
                lens=Lens(),
                cam2ego=None if pose is None else pose @ rotation_matrix(rectifier.view2cam),
                views=(),
            )
        )
    return pinholes


def rotation_matrix(rotation: np.ndarray) -> np.ndarray:
    """(4, 4) of a (3, 3) rotation."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    return matrix


def to_original_pixels(depth, camera: RigCamera, measure: str = 'z_depth') -> np.ndarray:
    """Predicted z-depth of a camera's views in the pixels of its original image.

    The maps are resampled bilinearly; where several views show a pixel, that one is taken to whose axis it is nearest.

    Args:
        depth: (h, w) metres, of the whole rectified view at any size; a list of them, in the order of ``camera.views``.
        camera: The camera.
        measure: ``'z_depth'`` along the optical axis of the camera, which ends at 90 degrees from it, or ``'distance'``
            along the pixel's ray.

    Returns:
        (height, width) float32, 0 where no view shows the original pixel, or its ray has no z-depth.

    Raises:
        ValueError: If there are not as many maps as views.
    """
    maps, rectifiers = depth if isinstance(depth, (list, tuple)) else [depth], rectifiers_of(camera)
    if len(maps) != len(rectifiers) or measure not in MEASURES:
        raise ValueError(
            f'camera {camera.name}: expected {len(rectifiers)} depth maps and a measure of {MEASURES}, found {len(maps)} '
            f'and {measure!r}'
        )
    width, height = camera.size
    if rectifiers[0].changes_nothing and measure == 'z_depth':
        return cv2.resize(maps[0], (width, height), interpolation=cv2.INTER_LINEAR)
    rays = _rays(camera.size, camera.cam2img.tobytes(), camera.lens)
    found, nearest = np.zeros((2, height, width), np.float32)
    for values, rectifier in zip(maps, rectifiers):
        in_view = rays @ rectifier.view2cam.astype(np.float32)
        cosine = in_view[..., 2]
        with np.errstate(invalid='ignore', divide='ignore'):
            pixels = homogeneous(in_view[..., :2] / in_view[..., 2:]) @ rectifier.cam2img[:2].T
            better = (cosine > nearest) & ((pixels > 0) & (pixels < rectifier.size)).all(-1)
            # The last half pixel at the border has one neighbour only.
            places = np.clip(
                pixels * np.divide(values.shape[::-1], rectifier.size) - 0.5, 0, np.array(values.shape[::-1]) - 1
            )
            along = np.maximum(rays[..., 2], 0) / cosine if measure == 'z_depth' else 1 / cosine
        places = np.where(better[..., None], places, 0).astype(np.float32)
        found = np.where(better, cv2.remap(values, places, None, cv2.INTER_LINEAR) * along, found)
        nearest = np.where(better, cosine, nearest)
    return found.astype(np.float32)


@lru_cache(RAYS_KEPT)
def _rays(size, cam2img, lens):
    """(height, width, 3) float32 rays of an image's pixels, of length 1; read-only."""
    plane = homogeneous(pixel_centers(*size[::-1])) @ np.linalg.inv(np.frombuffer(cam2img).reshape(3, 3))[:2].T
    rays = lens.unproject(plane).astype(np.float32)
    rays.flags.writeable = False
    return rays
