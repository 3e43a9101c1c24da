"""A pinhole view of stated direction, field of view and size in a camera's place: what a fisheye is cut into."""

from dataclasses import dataclass

import numpy as np

from .plain_data import brief, check_keys, numbers

#: Degrees. Beyond it most pixels of a pinhole's image show its border.
MOST_HFOV = 150.0
#: Cosine between where a camera looks and the vertical, above which it has no direction on the horizon.
UPRIGHT = 0.98


@dataclass(frozen=True)
class VirtualView:
    """A pinhole camera where a real one is, which may look elsewhere.

    Args:
        width, height: Of its images in pixels.
        hfov: Its horizontal field of view in degrees; its pixels are square, its principal point in the middle.
        name: What it is called behind its camera's name and a slash; '' for the only view of a camera, which keeps the
            camera's name.
        azimuth: Degrees to the left of where the camera looks.
        elevation: Degrees above where the camera looks.
        level: Whether the view stands upright in the vehicle, however the camera is tilted: ``azimuth`` is then counted
            along the horizon and ``elevation`` from it. Needs the camera's pose.

    Raises:
        ValueError: If a number cannot be right.
    """

    width: int
    height: int
    hfov: float
    name: str = ''
    azimuth: float = 0.0
    elevation: float = 0.0
    level: bool = False

    def __post_init__(self):
        for key, least, most in (('hfov', 1, MOST_HFOV), ('azimuth', -180, 180), ('elevation', -90, 90)):
            if not least <= getattr(self, key) <= most:
                raise ValueError(f'{key} must lie in [{least}, {most:g}] degrees, found {getattr(self, key)}')
        for key in ('width', 'height'):
            if not 16 <= getattr(self, key) <= 16384 or getattr(self, key) % 1:
                raise ValueError(f'{key} must be whole pixels from 16 to 16384, found {getattr(self, key)}')
        if '/' in self.name:
            raise ValueError(f'the name of a view has no slash, which stands between it and its camera: {self.name!r}')

    def name_in(self, camera: str) -> str:
        """What the view of a camera is called: ``camera/name``."""
        return f'{camera}/{self.name}' if self.name else camera

    def described(self) -> dict:
        """What :func:`read_views` reads as this view; what is 0 is left out."""
        return {key: value for key in KEYS if (value := getattr(self, key))} | dict(
            zip(('width', 'height'), self.size)
        )

    @property
    def size(self) -> tuple:
        """(width, height)."""
        return int(self.width), int(self.height)

    @property
    def cam2img(self) -> np.ndarray:
        """(3, 3) float64."""
        fx = self.width / 2 / np.tan(np.radians(self.hfov) / 2)
        return np.array([[fx, 0, self.width / 2], [0, fx, self.height / 2], [0, 0, 1.0]])

    def view2cam(self, cam2ego=None) -> np.ndarray:
        """(3, 3) rotation of the view's points into the camera's frame.

        Args:
            cam2ego: (4, 4) pose of the camera, needed if ``level``.

        Raises:
            ValueError: If it is needed and not there, or the camera looks straight up or down.
        """
        turned = turn(self.azimuth, self.elevation)
        if not self.level:
            return turned
        if cam2ego is None:
            raise ValueError('a level view needs the pose cam2ego of its camera')
        forward = cam2ego[:3, 2]
        if abs(forward[2]) > UPRIGHT:
            raise ValueError(
                'a camera that looks straight down or up has no level views: give their directions without'
            )
        x, y = forward[:2] / np.hypot(*forward[:2])
        upright2ego = np.array([[y, 0, x], [-x, 0, y], [0, -1, 0]])  # right, down and forward, in the ego frame
        return cam2ego[:3, :3].T @ upright2ego @ turned


def turn(azimuth: float, elevation: float) -> np.ndarray:
    """(3, 3) rotation whose columns are right, down and forward of a view, in the axes of its camera.

    Args:
        azimuth, elevation: Degrees to the left and upwards; the view's right stays in the camera's horizontal plane.
    """
    (ca, ce), (sa, se) = np.cos(np.radians([azimuth, elevation])), np.sin(np.radians([azimuth, elevation]))
    right, forward = np.array([ca, 0, sa]), np.array([-sa * ce, -se, ca * ce])
    return np.stack([right, np.cross(forward, right), forward], 1)


KEYS = ('name', 'azimuth', 'elevation', 'level', 'hfov', 'width', 'height')


def read_views(content, where: str) -> tuple:
    """The :class:`VirtualView` of a camera, from a list of mappings as rig files and configs have it.

    Raises:
        ValueError: If it is not such a list; begins with ``where``.
    """
    if not isinstance(content, (list, tuple)) or not content or not all(isinstance(view, dict) for view in content):
        raise ValueError(
            f'{where}: expected a list of views, each with hfov, width, height and, where there are several, a name; '
            f'found {brief(content)}'
        )
    views = []
    for number, view in enumerate(content):
        here = f'{where}, view {view.get("name", number)}'
        check_keys(view, KEYS, here)
        missing = [key for key in ('hfov', 'width', 'height') if key not in view]
        if missing:
            raise ValueError(f'{here}: {", ".join(missing)} must be stated')
        values = {key: float(numbers(view[key], (), f'{here}: {key}')) for key in KEYS[1:3] + KEYS[4:] if key in view}
        values.update({key: view[key] for key in ('name', 'level') if key in view})
        if not isinstance(values.get('name', ''), str) or not isinstance(values.get('level', False), bool):
            raise ValueError(f'{here}: name must be text and level true or false, found {brief(view)}')
        try:
            views.append(VirtualView(**values))
        except ValueError as error:
            raise ValueError(f'{here}: {error}') from error
    names = [view.name for view in views]
    if len(set(names)) < len(names) or (len(names) > 1 and '' in names):
        raise ValueError(f'{where}: several views need a name each, found {names}')
    return tuple(views)
