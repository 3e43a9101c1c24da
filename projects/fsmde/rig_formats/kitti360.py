"""KITTI-360's calibration: fisheyes of the MEI model, and the rectified pair. https://www.cvlibs.net/datasets/kitti-360/documentation.php"""

from pathlib import Path

import numpy as np

from fsmde.lenses import MeiLens
from fsmde.plain_data import numbers, read_yaml
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from .common import HALF_PIXEL, reading
from .kitti import read_entries

#: The frame of poses, the GPS/IMU's, has x forward, y right and z down.
EGO = np.diag([1.0, -1.0, -1.0, 1.0])


def rig_from_kitti360(folder, cameras: tuple = ('02', '03')) -> RigFile:
    """The rig of a folder ``calibration``.

    The ego frame is the GPS/IMU's, turned to x forward, y left, z up. Without ``calib_cam_to_pose.txt`` there are no poses.

    Args:
        folder: Folder with ``image_02.yaml`` and ``image_03.yaml`` of the fisheyes, ``perspective.txt`` of the rectified
            images 00 and 01, and ``calib_cam_to_pose.txt``.
        cameras: Numbers.

    Raises:
        FileNotFoundError, ValueError: If a file or an entry is absent or not as the format has it.
    """
    folder = Path(folder)
    poses = folder / 'calib_cam_to_pose.txt'
    entries = read_entries(poses) if poses.is_file() else None
    found = []
    for name in (f'image_{int(camera):02d}' for camera in cameras):
        pose = None
        if entries is not None:
            with reading(poses, 'KITTI-360'):
                pose = EGO @ np.vstack([np.reshape(entries[name], (3, 4)), [0, 0, 0, 1]])
        read = _rectified if name in ('image_00', 'image_01') else _fisheye
        found.append(read(folder, name, pose))
    return RigFile(found, 'from KITTI-360')


def _fisheye(folder, name, pose):
    path = folder / f'{name}.yaml'
    content = read_yaml(path)
    with reading(path, "KITTI-360's fisheyes"):
        if content['model_type'] != 'MEI':
            raise ValueError(f'model_type: expected MEI, found {content["model_type"]!r}')

        def read(part, *keys):
            return [float(numbers(content[part][key], (), f'{part}: {key}')) for key in keys]

        fx, fy, cx, cy = read('projection_parameters', 'gamma1', 'gamma2', 'u0', 'v0')
        lens = MeiLens((*read('mirror_parameters', 'xi'), *read('distortion_parameters', 'k1', 'k2', 'p1', 'p2')))
        K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]) + HALF_PIXEL
        return RigCamera(name, (content['image_width'], content['image_height']), K, lens, pose)


def _rectified(folder, name, pose):
    path, number = folder / 'perspective.txt', name[-2:]
    entries = read_entries(path)
    with reading(path, 'KITTI-360'):
        K = np.reshape(entries[f'P_rect_{number}'], (3, 4))[:, :3] + HALF_PIXEL
        if pose is not None:
            pose = pose.copy()
            pose[:3, :3] = pose[:3, :3] @ np.reshape(entries[f'R_rect_{number}'], (3, 3)).T
        return RigCamera(name, [int(side) for side in entries[f'S_rect_{number}'][:2]], K, cam2ego=pose)
