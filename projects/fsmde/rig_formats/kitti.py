"""KITTI's calibration files: of raw data (calib_cam_to_cam.txt and its neighbours) and of the object benchmark."""

from pathlib import Path

import numpy as np

from fsmde.lenses import PlumbBobLens
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from .common import HALF_PIXEL, reading, size_of


def rig_from_kitti(path, rectified: bool = True, size: tuple = None, cameras: tuple = ('02', '03')) -> RigFile:
    """The rig of a folder of raw data's calibration, or of a file of the object benchmark.

    The ego frame is the IMU's where ``calib_imu_to_velo.txt`` is there, else the Velodyne's: both look forward with x, left
    with y, up with z.

    Args:
        path: Folder with ``calib_cam_to_cam.txt`` and ``calib_velo_to_cam.txt``, or a file with P0 to P3, R0_rect and
            Tr_velo_to_cam.
        rectified: Raw data only: of the rectified images (``sync``) or of the original, distorted ones (``extract``).
        size: (width, height), which the object benchmark's files do not state.
        cameras: Numbers; 02 and 03 are the colour cameras.

    Raises:
        FileNotFoundError, ValueError: If a file or an entry is absent or not as the format has it.
    """
    path = Path(path)
    if path.is_dir():
        entries = {**read_entries(path / 'calib_cam_to_cam.txt')}
        velo2cam = _rigid(read_entries(path / 'calib_velo_to_cam.txt'), 'R', 'T', path / 'calib_velo_to_cam.txt')
        base = np.eye(4)
        if (path / 'calib_imu_to_velo.txt').is_file():
            file = path / 'calib_imu_to_velo.txt'
            base = _rigid(read_entries(file), 'R', 'T', file)
        ego2cam = velo2cam @ base
    else:
        entries = read_entries(path)
        with reading(path, 'the object benchmark of KITTI'):
            base = _matrix(entries, 'Tr_imu_to_velo', (3, 4)) if 'Tr_imu_to_velo' in entries else np.eye(4)
            ego2cam = _matrix(entries, 'Tr_velo_to_cam', (3, 4)) @ base
    found = []
    with reading(path, 'KITTI calibrations'):
        for number in (f'{int(camera):02d}' for camera in cameras):
            name = f'image_{number}'
            if path.is_dir() and not rectified:
                K, lens = _matrix(entries, f'K_{number}', (3, 3))[:3, :3], PlumbBobLens(entries[f'D_{number}'])
                cam = _rigid(entries, f'R_{number}', f'T_{number}', path) @ ego2cam
                found.append(_camera(name, _size(entries[f'S_{number}']), K, cam, lens))
                continue
            P = _matrix(entries, f'P_rect_{number}' if path.is_dir() else f'P{int(number)}', (3, 4))[:3]
            rectification = _matrix(entries, 'R_rect_00' if path.is_dir() else 'R0_rect', (3, 3))
            # P = K [I | t]: where the camera is beside the rectified camera 00.
            beside = np.eye(4)
            beside[:3, 3] = np.linalg.solve(P[:, :3], P[:, 3])
            stated = _size(entries[f'S_rect_{number}']) if path.is_dir() else None
            found.append(_camera(name, size_of(name, stated, size), P[:, :3], beside @ rectification @ ego2cam))
    kind = 'raw data' if path.is_dir() else 'the object benchmark'
    return RigFile(found, f'from KITTI, {kind}, {"rectified" if rectified else "original"} images')


def _camera(name, size, K, ego2cam, lens=None):
    more = {} if lens is None else dict(lens=lens)
    return RigCamera(name, size, K + HALF_PIXEL, cam2ego=np.linalg.inv(ego2cam), **more)


def read_entries(path) -> dict:
    """``key: numbers`` of a calibration file, without the lines of text.

    Raises:
        FileNotFoundError, ValueError: If it is absent or has no such line.
    """
    path, entries = Path(path), {}
    if not path.is_file():
        raise FileNotFoundError(f'no such file: {path}')
    for line in path.read_text(errors='replace').splitlines():
        key, colon, values = line.partition(':')
        try:
            entries[key.strip()] = [float(value) for value in values.split()] if colon else None
        except ValueError:
            continue
    entries = {key: value for key, value in entries.items() if value}
    if not entries:
        raise ValueError(f'{path} holds no line "key: numbers"')
    return entries


def _matrix(entries, key, shape):
    """A 4x4 matrix whose upper left part is an entry."""
    if len(entries[key]) != shape[0] * shape[1]:
        raise ValueError(f'{key}: expected {shape[0] * shape[1]} numbers, found {len(entries[key])}')
    matrix = np.eye(4)
    matrix[: shape[0], : shape[1]] = np.reshape(entries[key], shape)
    return matrix


def _rigid(entries, rotation, translation, path):
    with reading(path, 'KITTI calibrations'):
        matrix = _matrix(entries, rotation, (3, 3))
        matrix[:3, 3] = entries[translation]
        return matrix


def _size(entry):
    return int(entry[0]), int(entry[1])
