"""Malformed calibrations of every format that is read: the right rig, or an error that names the file or the camera."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from attack import mutations as m
from attack.contract import ViolationError, check_error
from attack.mutations import seeded

from fsmde.rig_file import read_rig, write_rig
from fsmde.rig_formats import rig_from_dgp, rig_from_kitti, rig_from_kitti360, rig_from_nuscenes, rig_from_ros
from toy_dgp import camera_quaternion, write_toy_dgp

CAMERAS = dict(FRONT=0, LEFT=120, RIGHT=240)
KITTI = """S_rect_02: 1242 375
P_rect_02: 720 0 610 45 0 720 173 0.2 0 0 1 0.003
R_rect_00: 1 0 0 0 1 0 0 0 1
"""
VELODYNE = 'R: 0 -1 0 0 0 -1 1 0 0\nT: 0.1 -0.2 -0.3\n'
KITTI_360 = dict(
    model_type='MEI',
    image_width=1400,
    image_height=1400,
    mirror_parameters=dict(xi=2.25),
    distortion_parameters=dict(k1=0.017, k2=1.65, p1=0.0004, p2=0.0004),
    projection_parameters=dict(gamma1=1336.0, gamma2=1335.0, u0=716.0, v0=705.0),
)
LEFT = 'image_02: 1 0 0 0.7 0 0 -1 -0.2 0 1 0 -0.9\n'


def write_nuscenes(folder):
    (folder / 'v1').mkdir()
    tables = dict(sensor=[], calibrated_sensor=[], sample_data=[])
    for name, azimuth in CAMERAS.items():
        tables['sensor'].append(dict(token=f's{name}', channel=f'CAM_{name}', modality='camera'))
        tables['calibrated_sensor'].append(
            dict(
                token=f'c{name}',
                sensor_token=f's{name}',
                translation=[1.5, 0.0, 1.6],
                rotation=camera_quaternion(azimuth),
                camera_intrinsic=[[1200.0, 0.0, 810.0], [0.0, 1200.0, 440.0], [0.0, 0.0, 1.0]],
            )
        )
        row = dict(token=f'd{name}', sample_token='0', calibrated_sensor_token=f'c{name}', is_key_frame=True)
        tables['sample_data'].append(dict(row, width=1600, height=900))
    for table, rows in tables.items():
        (folder / f'v1/{table}.json').write_text(json.dumps(rows))


def write_ros(folder):
    matrix = lambda rows, values: dict(rows=rows, cols=len(values) // rows, data=values)
    K = [700.0, 0.0, 330.0, 0.0, 700.0, 235.0, 0.0, 0.0, 1.0]
    info = dict(
        image_width=640,
        image_height=480,
        camera_name='FRONT',
        camera_matrix=matrix(3, K),
        distortion_model='plumb_bob',
        distortion_coefficients=matrix(1, [-0.2, 0.05, 0.001, 0.001, 0.0]),
        rectification_matrix=matrix(3, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        projection_matrix=matrix(3, [*K[:3], 0.0, *K[3:6], 0.0, *K[6:], 0.0]),
    )
    (folder / 'info.yaml').write_text(yaml.safe_dump(info))
    pose = dict(x=1.5, y=0.1, z=1.6, roll=0.01, pitch=0.02, yaw=0.03)
    (folder / 'tree.yaml').write_text(yaml.safe_dump(dict(base_link={'FRONT/camera_link': pose})))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('rigs')
    write_toy_dgp(folder / 'dgp', cameras=CAMERAS, samples=1)
    write_nuscenes(folder)
    write_ros(folder)
    (folder / 'kitti').mkdir()
    (folder / 'kitti/calib_cam_to_cam.txt').write_text(KITTI)
    (folder / 'kitti/calib_velo_to_cam.txt').write_text(VELODYNE)
    (folder / 'kitti360').mkdir()
    (folder / 'kitti360/image_02.yaml').write_text(yaml.safe_dump(KITTI_360))
    (folder / 'kitti360/calib_cam_to_pose.txt').write_text(LEFT)
    write_rig(folder / 'rig.yaml', READERS['rig'][1](folder, True))
    return folder


DGP = 'dgp/000000/calibration/c0.json'
#: Files of each format, and what reads them.
READERS = dict(
    dgp=([DGP], lambda root: rig_from_dgp(root / DGP, size=(64, 48), cameras=tuple(CAMERAS))),
    nuscenes=(
        [f'v1/{table}.json' for table in ('sensor', 'calibrated_sensor', 'sample_data')],
        lambda root: rig_from_nuscenes(root, 'v1', sample='0', cameras=tuple(f'CAM_{name}' for name in CAMERAS)),
    ),
    ros=(
        ['info.yaml', 'tree.yaml'],
        lambda root: rig_from_ros({'FRONT': root / 'info.yaml'}, [root / 'tree.yaml']),
    ),
    kitti=(
        ['kitti/calib_cam_to_cam.txt', 'kitti/calib_velo_to_cam.txt'],
        lambda root: rig_from_kitti(root / 'kitti', cameras=('02',)),
    ),
    kitti360=(
        ['kitti360/image_02.yaml', 'kitti360/calib_cam_to_pose.txt'],
        lambda root: rig_from_kitti360(root / 'kitti360', cameras=('02',)),
    ),
    rig=(['rig.yaml'], lambda root, make=False: READERS['nuscenes'][1](root) if make else read_rig(root / 'rig.yaml')),
)
FILES = [(name, file) for name, (files, _) in READERS.items() for file in files]


def numbers_of(rig):
    return {
        camera.name: np.concatenate(
            [camera.size, np.ravel(camera.cam2img), np.ravel(camera.cam2ego), camera.lens.coefficients]
        )
        for camera in rig.cameras
    }


def undetectable(path):
    """A few metres or half a pixel elsewhere, another lens, no pose, a camera less: no reader can tell."""
    words = [str(key) for key in path]
    small = {'x', 'y', 'z', 'translation', 'roll', 'pitch', 'yaw', 'skew'}
    lens = {'distortion_coefficients', 'distortion_model', 'distortion_parameters', 'xi', 'coefficients', 'lens'}
    return (
        bool({*words} & (small | lens))
        or words[-1] in ('camera_name', 'notes', 'cam2ego', 'pixel_center')
        or words[:-1] == ['cameras']
    )


def attack(folder, format_name, file, content):
    path, read = folder / file, READERS[format_name][1]
    good = path.read_bytes()
    expected = numbers_of(read(folder))
    path.write_bytes(content)
    try:
        found = numbers_of(read(folder))
    except Exception as error:
        check_error(error, [path.name, str(folder), *CAMERAS, 'image_02', 'base_link'])
        return
    finally:
        path.write_bytes(good)
    same = found.keys() == expected.keys() and all(
        found[name].shape == values.shape and np.allclose(found[name], values) for name, values in expected.items()
    )
    if not same:
        raise ViolationError(f'silently another rig: {found} instead of {expected}')


@pytest.mark.parametrize('mutate, seed', seeded(m.BYTES, 4))
@pytest.mark.parametrize('format_name, file', FILES)
def test_bytes(folder, format_name, file, mutate, seed):
    content = mutate(np.random.default_rng(seed), (folder / file).read_bytes())
    if mutate in (m.cut, m.cut_end) and Path(file).suffix in ('.yaml', '.txt'):
        return  # Half a text may be a whole one.
    attack(folder, format_name, file, content)


@pytest.mark.parametrize('mutate, seed', seeded(m.NUMBERS, 8) + seeded(m.STRUCTURE, 8))
@pytest.mark.parametrize('format_name, file', [pair for pair in FILES if not pair[1].endswith('.txt')])
def test_fields(folder, format_name, file, mutate, seed):
    tree = yaml.safe_load((folder / file).read_text())
    tree = mutate(np.random.default_rng(seed), copy.deepcopy(tree), undetectable)
    text = json.dumps(tree) if file.endswith('.json') else yaml.safe_dump(tree)
    attack(folder, format_name, file, text.encode())


@pytest.mark.parametrize('value', ['nan', 'inf', 'abc', '', '1e30', '-720', '0'])
@pytest.mark.parametrize('place', [0, 1, 2, 4, 5, 6, 11, 12])
@pytest.mark.parametrize('line', range(3))
def test_numbers_of_kitti(folder, line, place, value):
    lines = KITTI.splitlines()
    key, *numbers = lines[line].split()
    if place >= len(numbers) or numbers[place] == value or (line, place) == (1, 11):
        return
    numbers[place] = value
    lines[line] = ' '.join([key, *numbers])
    attack(folder, 'kitti', 'kitti/calib_cam_to_cam.txt', '\n'.join(lines).encode())
