"""``rig.yaml``: the cameras of a vehicle in a file. The schema is in docs/rig_file.md."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from .lenses import LENSES
from .output_files import write_text
from .plain_data import brief, check_keys, named_numbers, nearest, numbers, read_yaml
from .poses import euler_to_matrix, quaternion_to_matrix
from .rig import CameraRig
from .rig_camera import RigCamera
from .virtual_view import read_views

VERSION = 1
MAX_BYTES = 2**20
#: What a file with poses has to say of them, and the only values there are.
CONVENTIONS = dict(
    length='metres', camera_axes='x right, y down, z forward', ego_axes='x forward, y left, z up', pose='cam2ego'
)
HEAD_KEYS = ('fsmde_rig', *CONVENTIONS, 'pixel_center', 'notes', 'cameras')
CAMERA_KEYS = ('size', 'intrinsics', 'lens', 'cam2ego', 'height_over_road', 'depth_scale', 'views')
POSE_KEYS = ('translation', 'quaternion_wxyz', 'roll_pitch_yaw_degrees')


@dataclass(frozen=True, eq=False)
class RigFile:
    """What a rig file says.

    Args:
        cameras: N :class:`fsmde.rig_camera.RigCamera`.
        notes: Free text, such as where the numbers come from.
        origin: What messages call it: of a rig that was read, its file.

    Raises:
        ValueError: If there is no camera or two have one name.
    """

    cameras: tuple
    notes: str = ''
    origin: str = 'the rig'

    def __post_init__(self):
        object.__setattr__(self, 'cameras', tuple(self.cameras))
        if not self.cameras:
            raise ValueError('a rig needs at least one camera')
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f'cameras are named twice: {twice}')

    @property
    def names(self) -> tuple:
        """N camera names."""
        return tuple(camera.name for camera in self.cameras)

    def __getitem__(self, name: str) -> RigCamera:
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise KeyError(f'{self.origin} has no camera {name!r}{nearest(name, self.names)}')

    @property
    def has_poses(self) -> bool:
        """Whether every camera has one."""
        return all(camera.cam2ego is not None for camera in self.cameras)

    def camera_rig(self) -> CameraRig:
        """The rig's geometry, of pinholes.

        Raises:
            ValueError: If a camera has no pose.
        """
        without = [camera.name for camera in self.cameras if camera.cam2ego is None]
        if without:
            raise ValueError(f'{self.origin}: cameras {without} have no cam2ego: write their poses into the rig file')
        stacks = (np.stack([getattr(camera, key) for camera in self.cameras]) for key in ('cam2img', 'cam2ego'))
        return CameraRig(self.names, *stacks)


def read_rig(path) -> RigFile:
    """Read and check a rig file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not what docs/rig_file.md describes; names the file, camera and key.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'no rig file at {path}; tools/dataset_converters/make_rig.py writes one from calibration files'
        )
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f'{path} is no rig file: {path.stat().st_size} bytes, at most {MAX_BYTES} are read')
    content = read_yaml(path)
    try:
        rig = parse_rig(content)
    except (ValueError, TypeError) as error:
        raise ValueError(f'{path}: {error}') from error
    return replace(rig, origin=str(path))


def parse_rig(content) -> RigFile:
    """Make a rig of a rig file's content.

    Raises:
        ValueError: If it is not what docs/rig_file.md describes; names camera and key.
    """
    if not isinstance(content, dict) or 'fsmde_rig' not in content:
        raise ValueError(f'no rig file: expected the key fsmde_rig: {VERSION} at the top')
    if content['fsmde_rig'] != VERSION:
        raise ValueError(f'fsmde_rig: version {brief(content["fsmde_rig"])} is unknown, this fsmde reads {VERSION}')
    check_keys(content, HEAD_KEYS, 'the rig')
    cameras = content.get('cameras')
    if not isinstance(cameras, dict) or not cameras:
        raise ValueError('cameras: expected a mapping of at least one camera name to its description')
    if any(isinstance(camera, dict) and 'cam2ego' in camera for camera in cameras.values()):
        for key, value in CONVENTIONS.items():
            if content.get(key) != value:
                raise ValueError(
                    f'{key}: a rig with poses must state {key}: {value!r}, found {brief(content.get(key))}'
                )
    center = numbers(content.get('pixel_center', 0.0), (), 'pixel_center')
    if center not in (0, 0.5):
        raise ValueError(f'pixel_center: must be 0 (as OpenCV and ROS have it) or 0.5, found {center:g}')
    notes = content.get('notes', '')
    if not isinstance(notes, str):
        raise ValueError(f'notes: expected text, found {type(notes).__name__}')
    return RigFile([_camera(name, camera, 0.5 - center) for name, camera in cameras.items()], notes)


def _camera(name, content, shift):
    where = f'camera {name}'
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f'cameras: a name must be text, found {brief(name)}: put it into quotes')
    if not isinstance(content, dict):
        raise ValueError(f'{where}: expected the keys {", ".join(CAMERA_KEYS)}, found {brief(content)}')
    check_keys(content, CAMERA_KEYS, where)
    for key in ('size', 'intrinsics'):
        if key not in content:
            raise ValueError(f'{where}: {key} is missing')
    intrinsics = content['intrinsics']
    if isinstance(intrinsics, dict):
        fx, fy, cx, cy = named_numbers(intrinsics, ('fx', 'fy', 'cx', 'cy'), f'{where}: intrinsics')
        cam2img = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    else:
        cam2img = numbers(intrinsics, (3, 3), f'{where}: intrinsics')
    cam2img = cam2img + shift * np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
    scalars = {
        key: float(numbers(content[key], (), f'{where}: {key}'))
        for key in ('height_over_road', 'depth_scale')
        if key in content
    }
    if 'views' in content:
        scalars['views'] = read_views(content['views'], f'{where}: views')
    return RigCamera(
        name,
        tuple(numbers(content['size'], (2,), f'{where}: size')),
        cam2img,
        _lens(content.get('lens', dict(model='none')), where),
        _pose(content['cam2ego'], f'{where}: cam2ego') if 'cam2ego' in content else None,
        **scalars,
    )


def _lens(content, where):
    if not isinstance(content, dict) or 'model' not in content:
        raise ValueError(f'{where}: lens: expected model and coefficients, found {brief(content)}')
    check_keys(content, ('model', 'coefficients'), f'{where}: lens')
    model = str(content['model'])[:50]
    if model not in LENSES:
        raise ValueError(
            f'{where}: lens: model {model!r} is unknown{nearest(model, LENSES)}; there are {sorted(LENSES)}'
        )
    coefficients = content.get('coefficients', [])
    if not isinstance(coefficients, list) or len(coefficients) > 32:
        raise ValueError(f'{where}: lens: coefficients must be a list of numbers, found {brief(coefficients)}')
    try:
        return LENSES[model](tuple(numbers(coefficients, (len(coefficients),), 'coefficients')))
    except ValueError as error:
        raise ValueError(f'{where}: lens: {error}') from error


def _pose(content, where):
    if not isinstance(content, dict):
        return numbers(content, (4, 4), where)
    check_keys(content, POSE_KEYS, where)
    rotations = [key for key in POSE_KEYS[1:] if key in content]
    if 'translation' not in content or len(rotations) != 1:
        raise ValueError(f'{where}: expected translation and one of {list(POSE_KEYS[1:])}, found {list(content)}')
    translation = numbers(content['translation'], (3,), f'{where}: translation')
    if rotations == ['quaternion_wxyz']:
        quaternion = numbers(content['quaternion_wxyz'], (4,), f'{where}: quaternion_wxyz')
        try:
            return quaternion_to_matrix(translation, quaternion)
        except ValueError as error:
            raise ValueError(f'{where}: quaternion_wxyz: {error}') from error
    return euler_to_matrix(translation, np.radians(numbers(content[rotations[0]], (3,), f'{where}: {rotations[0]}')))


def write_rig(path, rig: RigFile, overwrite: bool = False) -> None:
    """Write a rig file, which :func:`read_rig` reads as the same rig to the last bit.

    Raises:
        FileExistsError: If the file is there and ``overwrite`` is not given.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f'{path} is there already: name another file, or have it overwritten')
    content = dict(fsmde_rig=VERSION)
    if any(camera.cam2ego is not None for camera in rig.cameras):
        content.update(CONVENTIONS)
    content['pixel_center'] = 0.5
    if rig.notes:
        content['notes'] = rig.notes
    content['cameras'] = {camera.name: _described(camera) for camera in rig.cameras}
    write_text(path, yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120))


def _described(camera: RigCamera) -> dict:
    K = camera.cam2img
    content = dict(size=list(camera.size))
    if K[0, 1]:
        content['intrinsics'] = K.tolist()
    else:
        content['intrinsics'] = {k: float(v) for k, v in zip(('fx', 'fy', 'cx', 'cy'), K[[0, 1, 0, 1], [0, 1, 2, 2]])}
    if camera.lens.MODEL != 'none':
        content['lens'] = dict(model=camera.lens.MODEL, coefficients=list(camera.lens.coefficients))
    if camera.cam2ego is not None:
        content['cam2ego'] = camera.cam2ego.tolist()
    if camera.height_over_road is not None:
        content['height_over_road'] = float(camera.height_over_road)
    if camera.depth_scale != 1:
        content['depth_scale'] = float(camera.depth_scale)
    if camera.views:
        content['views'] = [view.described() for view in camera.views]
    return content
