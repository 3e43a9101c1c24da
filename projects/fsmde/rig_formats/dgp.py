"""Calibrations of TRI's DGP format: dgp/proto/geometry.proto."""

from pathlib import Path

import numpy as np

from fsmde.datasets.dgp_format import QUATERNION, read_number
from fsmde.lenses import EquidistantLens, Lens, PlumbBobLens, RationalLens
from fsmde.rig import quaternion_to_matrix
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from .common import read_json, reading, size_of

#: Fields of CameraIntrinsics that our lens models do not have.
OTHER_LENSES = tuple('s1 s2 s3 s4 taux tauy alpha beta w xi equirectangular'.split())
KNOWN = ('fx', 'fy', 'cx', 'cy', 'skew', 'fov', 'fisheye', *(f'k{i}' for i in range(1, 7)), 'p1', 'p2', *OTHER_LENSES)


def rig_from_dgp(path, size: tuple = None, cameras: tuple = None) -> RigFile:
    """The rig of a calibration file, ``<scene>/calibration/<key>.json``.

    Args:
        path: The file. The sizes of the images are those that the scene's own json beside ``calibration`` states.
        size: (width, height) where there is no such json.
        cameras: Names, in their order; by default all sensors with a focal length.

    Raises:
        FileNotFoundError, ValueError: If something is absent or not as the format has it; names file and camera.
    """
    content, sizes = read_json(path), _sizes(Path(path))
    with reading(path, 'DGP calibrations'):
        sensors = dict(
            zip(content['names'], zip(content['intrinsics'], content['extrinsics'], strict=True), strict=True)
        )
        by_name = {name.upper(): sensor for name, sensor in sensors.items()}
        names = cameras or [name for name, (intrinsics, _) in sensors.items() if intrinsics.get('fx')]
        absent = [name for name in names if name.upper() not in by_name]
        if absent:
            raise ValueError(f'it has no {absent}, only {list(sensors)}')
        found = []
        for name in names:
            intrinsics, pose = by_name[name.upper()]
            # proto3 leaves zero fields out.
            fx, fy, cx, cy, skew = (read_number(intrinsics, key, name) for key in KNOWN[:5])
            translation = [read_number(pose.get('translation', {}), key, name) for key in 'xyz']
            quaternion = [read_number(pose.get('rotation', {}), key, name) for key in QUATERNION]
            found.append(
                RigCamera(
                    name,
                    size_of(name, sizes.get(name.upper()), size),
                    np.array([[fx, skew, cx], [0, fy, cy], [0, 0, 1]]),
                    _lens(name, intrinsics),
                    quaternion_to_matrix(translation, quaternion),
                )
            )
    return RigFile(found, f'from the DGP calibration {Path(path).name}')


def _sizes(path):
    """(width, height) of each camera by its upper-case name, as the scene's json states them."""
    sizes = {}
    for scene in sorted(path.parent.parent.glob('scene*.json')):
        content = read_json(scene)
        with reading(scene, 'DGP scenes'):
            for datum in content['data']:
                image = datum['datum'].get('image', {})
                if image.get('width') and image.get('height'):
                    sizes.setdefault(datum['id']['name'].upper(), (int(image['width']), int(image['height'])))
    return sizes


def _lens(name, intrinsics):
    other = sorted(key for key, value in intrinsics.items() if value and (key in OTHER_LENSES or key not in KNOWN))
    if other:
        raise ValueError(f'camera {name}: intrinsics {other} are of no lens that is known here')
    values = {key: float(value) for key, value in intrinsics.items() if value}
    k1, k2, k3, k4, k5, k6, p1, p2 = (values.get(key, 0.0) for key in ('k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'p1', 'p2'))
    if values.get('fisheye'):
        return EquidistantLens((k1, k2, k3, k4))
    if k4 or k5 or k6:
        return RationalLens((k1, k2, p1, p2, k3, k4, k5, k6))
    return PlumbBobLens((k1, k2, p1, p2, k3)) if any((k1, k2, k3, p1, p2)) else Lens()
