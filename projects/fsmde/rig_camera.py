"""One camera of a rig as its owner describes it, and what cannot be true of a camera."""

from dataclasses import dataclass, field

import numpy as np

from .calibration import looks_at_the_sky, pinhole_fault
from .lenses import Lens

MAX_SIDE = 16384
MAX_DISTANCE = 50.0


@dataclass(frozen=True, eq=False)
class RigCamera:
    """A camera of a rig: its image, lens and, where it is known, its place.

    Args:
        name: Camera name.
        size: (width, height) of its images in pixels.
        cam2img: (3, 3) float64 in pixels of these images, in which the first pixel's centre is at 0.5 (see
            docs/conventions.md).
        lens: One of :mod:`fsmde.lenses`.
        cam2ego: (4, 4) float64 pose in the ego frame, metres, or None.
        height_over_road: Metres from the road up to the camera, or None.
        depth_scale: Factor by which predicted depth is multiplied.
        views: The :class:`fsmde.virtual_view.VirtualView` that stand for it where a network sees pinholes. None: one of
            its own size and ``cam2img``, see :class:`fsmde.rectification.Rectifier`.

    Raises:
        ValueError: If a value cannot be right; names the camera and the key.
    """

    name: str
    size: tuple
    cam2img: np.ndarray
    lens: Lens = field(default_factory=Lens)
    cam2ego: np.ndarray = None
    height_over_road: float = None
    depth_scale: float = 1.0
    views: tuple = ()

    def __post_init__(self):
        object.__setattr__(self, 'cam2img', np.array(self.cam2img, dtype=np.float64))
        if self.cam2ego is not None:
            object.__setattr__(self, 'cam2ego', np.array(self.cam2ego, dtype=np.float64))
        for key, check in (('size', _size), ('intrinsics', _intrinsics), ('cam2ego', _pose), ('cam2ego', _direction)):
            problem = check(self)
            if problem:
                raise ValueError(f'camera {self.name}: {key}: {problem}')
        for key in ('height_over_road', 'depth_scale'):
            value = getattr(self, key)
            if value is not None and not (np.isfinite(value) and 0 < value < 100):
                raise ValueError(f'camera {self.name}: {key} must be positive and below 100, found {value}')
        for view in self.views:
            try:
                view.view2cam(self.cam2ego)
            except ValueError as error:
                raise ValueError(f'camera {self.name}: views: {error}') from error

    def pixels_of(self, points) -> np.ndarray:
        """(..., 2) pixels of (..., 3) points in the camera frame, through the lens, NaN where the image does not show them."""
        points = self.lens.project(points)
        pixels = points @ self.cam2img[:2, :2].T + self.cam2img[:2, 2]
        with np.errstate(invalid='ignore'):
            inside = ((pixels > 0) & (pixels < self.size)).all(-1, keepdims=True)
        return np.where(inside, pixels, np.nan)

    @classmethod
    def from_field_of_view(cls, name: str, size: tuple, degrees: float) -> 'RigCamera':
        """A pinhole of a horizontal field of view with its principal point in the middle of (width, height).

        Raises:
            ValueError: If the angle is no pinhole's.
        """
        if not 1 <= degrees <= 150:
            raise ValueError(
                f'camera {name}: a horizontal field of view of {degrees} degrees is no pinhole camera (1 to 150): wider '
                'lenses need a rig file with their lens model'
            )
        width, height = size
        fx = width / 2 / np.tan(np.radians(degrees) / 2)
        return cls(name, (width, height), np.array([[fx, 0, width / 2], [0, fx, height / 2], [0, 0, 1]]))

    def check_image(self, shape) -> None:
        """Raise ValueError unless an image of (height, width, ...) is what the camera's calibration is for."""
        height, width = shape[:2]
        if (width, height) == tuple(self.size):
            return
        found, expected = f'{width}x{height}', f'{self.size[0]}x{self.size[1]}'
        if (height, width) == tuple(self.size):
            hint = 'width and height are swapped in one of them'
        elif abs(width * self.size[1] - height * self.size[0]) <= max(self.size):
            hint = f'if the image is the resized original, size, fx, fy, cx and cy times {width / self.size[0]:.4g} are its'
        else:
            hint = 'the calibration must be that of these images, crops and resizes included'
        raise ValueError(
            f'camera {self.name}: size: the image is {found} (width x height), the rig says {expected}; {hint}'
        )


def _size(camera):
    size = tuple(camera.size)
    if len(size) != 2 or not all(float(side).is_integer() and 16 <= side <= MAX_SIDE for side in size):
        return f'expected [width, height] in pixels from 16 to {MAX_SIDE}, found {list(size)}'
    object.__setattr__(camera, 'size', tuple(int(side) for side in size))


def _intrinsics(camera):
    K = camera.cam2img
    if K.shape != (3, 3) or not np.isfinite(K).all():
        return f'expected finite fx, fy, cx, cy or a 3x3 matrix, found {K.tolist()}'
    if not (K[0, 0] > 0 and K[1, 1] > 0):
        return f'focal lengths must be positive, found fx = {K[0, 0]:g}, fy = {K[1, 1]:g}'
    if np.any(K[[1, 2, 2], [0, 0, 1]]) or K[2, 2] != 1:
        return f'a matrix must be [[fx, skew, cx], [0, fy, cy], [0, 0, 1]], found {K.tolist()}'
    return pinhole_fault(K, camera.size)


def _pose(camera):
    T = camera.cam2ego
    if T is None:
        return None
    if T.shape != (4, 4) or not np.isfinite(T).all():
        return f'expected a finite 4x4 matrix, found {T.tolist()}'
    if not np.allclose(T[3], [0, 0, 0, 1], atol=1e-6):
        hint = '; it looks transposed' if np.allclose(T[:, 3], [0, 0, 0, 1], atol=1e-6) else ''
        return f'the last row must be 0 0 0 1, found {T[3].tolist()}{hint}'
    R = T[:3, :3]
    if not np.allclose(R @ R.T, np.eye(3), atol=1e-3):
        return f'no rotation: its rows are not of length 1 and at right angles: {R.round(4).tolist()}'
    if np.linalg.det(R) < 0:
        return 'no rotation but a mirroring (determinant -1): is one axis of the wrong sign?'
    if np.linalg.norm(T[:3, 3]) > MAX_DISTANCE:
        return f'{T[:3, 3].round(3).tolist()} is more than {MAX_DISTANCE:g} m from the vehicle: is it in metres?'


def _direction(camera):
    """What a pose looks like that maps the other way, or whose axes are another convention's."""
    if camera.cam2ego is None:
        return None
    (_, down, forward), R = camera.cam2ego[:3, :3].T, camera.cam2ego[:3, :3]
    skyward, text = looks_at_the_sky(camera.cam2ego)
    if skyward:
        return f'the camera {text}'
    sideways, inverse = abs(down[2]) < 0.5 and abs(forward[2]) < 0.5, R.T
    if sideways and inverse[2, 1] < -0.85:
        return (
            f'the camera would lie on its side, and upright with the inverse matrix: is this ego2cam? {camera.name} needs '
            'cam2ego, which maps points of the camera to the vehicle'
        )
