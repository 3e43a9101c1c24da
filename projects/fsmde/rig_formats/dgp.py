"""Calibrations of TRI's DGP format: dgp/proto/geometry.proto."""

from pathlib import Path

from fsmde.datasets.dgp_format import read_camera, read_poses
from fsmde.plain_data import read_json
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from .common import reading, size_of


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
            cam2img, lens = read_camera(intrinsics, f'camera {name}')
            (cam2ego,) = read_poses([pose], [name], str(path))
            size_of_images = size_of(name, sizes.get(name.upper()), size)
            found.append(RigCamera(name, size_of_images, cam2img, lens, cam2ego))
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
