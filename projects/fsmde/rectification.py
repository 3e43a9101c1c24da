"""From a camera's images to those of pinhole cameras in the same place.

The one room for it: data sets, evaluation and inference go through the same maps, see :mod:`fsmde.virtual_cameras`.
"""

import cv2
import numpy as np

from .lenses import Lens
from .resizing import halved, resize_image
from .rig_camera import RigCamera
from .virtual_view import VirtualView

#: Pixels between the places that a lens is asked for, and how far bilinear interpolation between them may be off, in
#: pixels of the original image: remap itself rounds to 1/32.
STEP, TOLERANCE = 4, 1 / 64
#: What depth can be measured along when it is brought back: the optical axis of the camera, or the pixel's ray.
MEASURES = ('z_depth', 'distance')


def pixel_centers(height: int, width: int) -> np.ndarray:
    """(height, width, 2) u and v of all pixels' centres."""
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)


class Rectifier:
    """Makes a pinhole view of a camera's images; its maps are made once.

    Without a view, the pinhole has the size and ``cam2img`` of the camera and no distortion, so that the image's middle
    keeps its resolution. What a wide lens sees beyond that frame is lost. What the lens does not see within a view is
    black there, and not ``visible``.

    Args:
        camera: The camera. Its name does not matter, and its pose only to a level view.
        view: One of its views.

    Attributes:
        size: (width, height) of the view. It may be made at any other size; its ``cam2img`` follows.
        cam2img: (3, 3) float64 of the view at that size.
        view2cam: (3, 3) rotation of the view's points into the camera's frame.
    """

    def __init__(self, camera: RigCamera, view: VirtualView = None):
        self.camera, self.view, self._made = camera, view, {}
        self.size, self.cam2img, self.view2cam = camera.size, camera.cam2img, np.eye(3)
        if view is not None:
            self.size, self.cam2img, self.view2cam = view.size, view.cam2img, view.view2cam(camera.cam2ego)

    @property
    def changes_nothing(self) -> bool:
        """Whether the camera is a pinhole that is taken as it is."""
        return self.view is None and self.camera.lens.MODEL == Lens.MODEL

    def pixels_of(self, points) -> np.ndarray:
        """(P, 2) pixels of the original image of (P, 3) points in the view's frame, NaN where it does not show them."""
        return self.camera.pixels_of(points @ self.view2cam.T)

    @property
    def original_of(self) -> np.ndarray:
        """(height, width, 2) :meth:`original_pixels` at the view's own size."""
        return self.original_pixels(*self.size[::-1])

    @property
    def visible(self) -> np.ndarray:
        """(height, width) bool of the view's own size, False where the original image shows nothing; read-only."""
        return self.visible_at(self.size[::-1])

    def visible_at(self, size: tuple) -> np.ndarray:
        """:attr:`visible` of the view made at (height, width)."""
        return self._maps(size)[1]

    def shrinks(self, size: tuple) -> np.ndarray:
        """(2,) pixels of the original image from one pixel of the view made at (height, width) to the next, along its
        rows and its columns: medians over what is visible.
        """
        return self._maps(size)[2]

    def original_pixels(self, height: int, width: int) -> np.ndarray:
        """(height, width, 2) float64 pixels of the original image that the centres of the view's pixels come from, of the
        view made at a size: beyond the image's borders as they are, NaN where the lens has no image of them.
        """
        rows, columns = -(-height // STEP) + 1, -(-width // STEP) + 1
        u, v = np.linspace(0, self.size[0], columns), np.linspace(0, self.size[1], rows)
        few = self._original_of(np.stack(np.meshgrid(u, v), -1))
        # Linear between few places, unless the lens ends within the view (NaN is not below anything) or bends more.
        if sum(np.abs(np.diff(few, 2, axis)).max(initial=0) / 8 for axis in (0, 1)) < TOLERANCE:
            return _between(_between(few, height, 0), width, 1)
        return self._original_of(pixel_centers(height, width) * [self.size[0] / width, self.size[1] / height])

    def _original_of(self, pixels):
        rays = homogeneous(pixels) @ (self.view2cam @ np.linalg.inv(self.cam2img)).T
        return homogeneous(self.camera.lens.project(rays)) @ self.camera.cam2img[:2].T

    def _maps(self, size, scale=(1.0, 1.0)):
        """Map of :func:`cv2.remap` to a view of (height, width) of images of (x, y) times their original size, and
        ``visible`` and ``shrinks`` of the view.
        """
        key = tuple(size), tuple(scale)
        if key not in self._made:
            u, v = np.moveaxis(self.original_pixels(*size).astype(np.float32), -1, 0)
            with np.errstate(invalid='ignore'):
                visible = (u > 0) & (u < self.camera.size[0]) & (v > 0) & (v < self.camera.size[1])
                shrinks = [_median_step(u, v, visible, axis) for axis in (1, 0)]
                # OpenCV's first pixel has its centre at 0; the last half pixel at the border has one neighbour only.
                u, v = (
                    np.where(visible, np.clip(at * np.float32(s) - np.float32(0.5), 0, side * s - 1), np.float32(-1e4))
                    for at, s, side in zip((u, v), scale, self.camera.size)
                )
            visible.flags.writeable = False
            self._made[key] = cv2.convertMaps(u, v, cv2.CV_16SC2), visible, np.array(shrinks)
        return self._made[key]

    def _nearest(self, size, shape):
        """Map of :func:`cv2.remap` to the nearest pixels of a mask or map of the whole image of an (h, w) shape.

        Of a fixed-point map with fractions OpenCV's nearest neighbour is another pixel.
        """
        key = tuple(size), 'nearest', shape
        if key not in self._made:
            visible = self.visible_at(size)
            at = np.floor(self.original_pixels(*size) * (np.array(shape[::-1]) / self.camera.size))
            self._made[key] = np.where(visible[..., None], at, -1e4).astype(np.int16)
        return self._made[key]

    def __call__(self, image: np.ndarray, size: tuple = None) -> np.ndarray:
        """The view of an original image at (height, width), its own size by default; see :func:`rectify`."""
        return rectify(image, [self], size)[0]

    def resample(self, image: np.ndarray, size: tuple, scale: tuple) -> np.ndarray:
        """The view at (height, width) of an image of (x, y) times the original size, bilinearly; black where the image
        shows nothing. An image of much more pixels than the view aliases: :func:`rectify` makes it smaller first.
        """
        return cv2.remap(image, *self._maps(size, scale)[0], cv2.INTER_LINEAR)

    def mask(self, mask: np.ndarray, size: tuple = None) -> np.ndarray:
        """The view at (height, width) of an (h, w) bool mask of the whole image, by nearest pixels; False where the image
        shows nothing. Read-only.
        """
        size = tuple(size or self.size[::-1])
        visible = self.visible_at(size)
        if mask.strides == (0, 0):  # Of :func:`fsmde.masks.all_visible`.
            return visible if mask[0, 0] else np.zeros_like(visible)
        mask = np.ascontiguousarray(mask).view(np.uint8)
        return cv2.remap(mask, self._nearest(size, mask.shape), None, cv2.INTER_NEAREST).view(bool)

    def dense(self, depth: np.ndarray, measure: str = 'z_depth') -> np.ndarray:
        """Dense depth of the original image as z-depth of the view at its own size: (height, width) float32 metres.

        Inverse depth is interpolated within surfaces; at their edges the nearest pixel is taken.

        Args:
            depth: (H0, W0) metres, 0 = none.
            measure: Of :data:`MEASURES`: what it is measured along.
        """
        size, inverse = self.size[::-1], np.where(depth > 0, 1 / np.maximum(depth, 1e-3), 0).astype(np.float32)
        nearest = cv2.remap(inverse, self._nearest(size, depth.shape), None, cv2.INTER_NEAREST)
        between = self.resample(inverse, size, (1.0, 1.0))
        smooth = np.abs(between - nearest) < 0.02 * nearest
        rays = homogeneous(pixel_centers(*size)) @ np.linalg.inv(self.cam2img).T
        # A ray of z = 1 in the view is so long, or has so much of the camera's z.
        along = np.linalg.norm(rays, axis=-1) if measure == 'distance' else rays @ self.view2cam[2]
        inverse = np.where(smooth, between, nearest) * along
        return np.where(inverse > 0, 1 / np.maximum(inverse, 1e-6), 0).astype(np.float32)


def rectify(image: np.ndarray, rectifiers: list, size: tuple = None, scale: tuple = (1.0, 1.0)) -> list:
    """The views of one camera's image, without aliasing.

    The image is halved, see :func:`fsmde.resizing.resize_image`, while half the views' pixels lie at least twice as far
    apart in it in both directions. One that has not to be rectified is resized.

    Args:
        image: (h, w, ...) of the camera.
        rectifiers: :class:`Rectifier` of its views.
        size: (height, width) of the views made, their own by default.
        scale: Of the image over the original in x and y, where it was decoded at a fraction of its size.
    """
    halves, views = [(image, np.array(scale))], []
    for rectifier in rectifiers:
        of_view = tuple(size or rectifier.size[::-1])
        if rectifier.changes_nothing:
            views.append(image if image.shape[:2] == of_view else resize_image(image, *of_view))
            continue
        level, shrinks = 0, rectifier.shrinks(of_view) * scale
        while (shrinks >= 2 ** (level + 1)).all():
            level += 1
        while len(halves) <= level:
            whole, part = halves[-1]
            half = halved(whole)
            halves.append((half, part * np.divide(half.shape[1::-1], whole.shape[1::-1])))
        source, part = halves[level]
        views.append(rectifier.resample(source, of_view, tuple(part.tolist())))
    return views


def _median_step(u, v, visible, axis):
    """Median distance of neighbours along an axis of (h, w) places, over visible ones of every eighth column or row."""
    u, v, visible = (values[:, ::8].T if axis == 0 else values[::8] for values in (u, v, visible))
    steps = np.hypot(np.diff(u), np.diff(v))[visible[:, 1:] & visible[:, :-1]]
    return np.median(steps) if len(steps) else 1.0


def _between(values, count, axis):
    """Values at the centres of ``count`` equal parts, linearly between those given at equal distances from the first
    part's edge to the last's.
    """
    place = (np.arange(count) + 0.5) * ((values.shape[axis] - 1) / count)
    low = place.astype(int)
    weight = (place - low).reshape(-1, *[1] * (values.ndim - 1 - axis))
    below, above = np.take(values, low, axis), np.take(values, low + 1, axis)
    return below + weight * (above - below)


def homogeneous(points):
    """(..., 3) points with a last coordinate of 1."""
    return np.concatenate([points, np.ones_like(points[..., :1])], -1)
