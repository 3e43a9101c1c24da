"""Geometry that no vehicle has: refused before the first frame is loaded, naming frame and camera."""

import json
import pickle

import numpy as np
import pytest

from fsmde.calibration import find_fault
from fsmde.datasets import DDADDataset, NuScenesSurroundDataset
from fsmde.datasets.index_checks import check_index
from toy_dgp import pose, write_toy_dgp

CAMERAS = ['CAM_A', 'CAM_B', 'CAM_C']


def turned(degrees, position=(0, 0, 0)):
    """A pose that is turned about z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:2, :2] = [[c, -s], [s, c]]
    matrix[:3, 3] = position
    return matrix


def rig(frames=4):
    """Cameras at 20, 100 and 200 degrees on a car whose LiDAR is at (1, 0, 2) and turned by 90 degrees."""
    mounts = turned(20, [2, 0, 1.5]), turned(100, [1, 0.5, 1.5]), turned(200, [0, -0.5, 1.5])
    cam2ego = np.stack([mount @ OPTICAL for mount in mounts])
    lidar2ego = turned(90, [1, 0, 2])
    cam2img = np.tile([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]], (3, 1, 1))
    one = dict(cam2img=cam2img, cam2ego=cam2ego, lidar2cam=np.linalg.inv(cam2ego) @ lidar2ego, lidar2ego=lidar2ego)
    return [dict({key: value.copy() for key, value in one.items()}, frame_id=f'f{n}') for n in range(frames)]


#: Of a camera that looks along the x axis: x right, y down, z forward.
OPTICAL = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def set_to(value, *where):
    def change(matrix):
        matrix[where] = value
        return matrix

    return change


REFLECTION = np.diag([1.0, 1, -1, 1])


@pytest.mark.parametrize(
    'key, change, message',
    [
        ('cam2img', set_to(np.nan, 0, 2), 'cam2img is singular or not finite'),
        ('cam2img', set_to(-500.0, 0, 0), 'cam2img is singular'),
        ('cam2img', np.transpose, r'cam2img is not \[\[fx, skew'),
        ('cam2img', set_to(2.0, 2, 2), r'cam2img is not \[\[fx, skew'),
        ('cam2ego', set_to(np.nan, 1, 1), 'cam2ego is not finite'),
        ('cam2ego', np.transpose, 'cam2ego has another last row'),
        ('cam2ego', lambda T: T @ REFLECTION, 'cam2ego holds a reflection'),
        ('lidar2cam', set_to(np.nan, 0, 3), 'lidar2cam is not finite'),
        ('lidar2cam', set_to(np.inf, 0, 0), 'lidar2cam is not finite'),
        ('lidar2cam', np.transpose, 'lidar2cam has another last row'),
        ('lidar2cam', set_to(1.001, 3, 3), 'lidar2cam has another last row'),
        ('lidar2cam', lambda T: T * 1000, 'lidar2cam has another last row'),
        ('lidar2cam', lambda T: np.diag([1000.0, 1000, 1000, 1]) @ T, 'lidar2cam holds no rotation'),
        ('lidar2cam', lambda T: np.diag([1.01, 1.01, 1.01, 1]) @ T, 'lidar2cam holds no rotation'),
        ('lidar2cam', lambda T: REFLECTION @ T, 'lidar2cam holds a reflection'),
        ('lidar2cam', set_to([1500.0, 200, -300], slice(3), 3), 'lidar2cam puts two sensors .* more than 30 m apart'),
        ('lidar2cam', np.linalg.inv, 'put the LiDAR .* degrees from where'),
        ('lidar2cam', lambda T: turned(20) @ T, 'put the LiDAR 0.. m and 20 degrees from where'),
        ('lidar2cam', lambda T: T @ turned(0, [12, 0, 0]), 'put the LiDAR 12.0 m and 0 degrees from where'),
        ('cam2ego', np.linalg.inv, 'put the LiDAR .* degrees from where'),
    ],
)
@pytest.mark.parametrize('stated', [True, False])
def test_faults_name_frame_and_camera(key, change, message, stated):
    frames = rig()
    if not stated:
        for frame in frames:
            del frame['lidar2ego']
    check_index(frames, CAMERAS)
    frames[2][key][1] = change(frames[2][key][1].copy())
    with pytest.raises(ValueError, match=f'frame f2: camera CAM_B: .*{message}'):
        check_index(frames, CAMERAS)


def test_all_cameras_may_not_agree_on_another_lidar_than_is_stated():
    frames = rig()
    frames[3]['lidar2cam'] = frames[3]['lidar2cam'] @ turned(180)
    with pytest.raises(ValueError, match='frame f3: camera CAM_A: .* 180 degrees from where its lidar2ego says'):
        check_index(frames, CAMERAS)
    frames[3]['lidar2ego'] = np.full((4, 4), np.nan)
    check_index(frames, CAMERAS)


@pytest.mark.parametrize('key, value', [('lidar2ego', REFLECTION), ('ori_cam2world', np.eye(4) * 2)])
def test_other_poses(key, value):
    frames = rig()
    for frame in frames:
        frame['ori_cam2world'] = frame['cam2ego'] + np.pad(np.full((3, 1), 4e4), ((0, 1), (3, 0)))
    check_index(frames, CAMERAS)
    frames[1][key] = np.broadcast_to(value, frames[1][key].shape).copy()
    if key == 'lidar2ego':
        frames[1]['lidar2cam'] = np.linalg.inv(frames[1]['cam2ego']) @ value
        message = 'camera CAM_A: lidar2cam holds a reflection'
    else:
        message = 'camera CAM_A: ori_cam2world has another last row'
    with pytest.raises(ValueError, match=f'frame f1: {message}'):
        check_index(frames, CAMERAS)


WORLD = turned(70, [4e4, -2e4, 5])


@pytest.mark.parametrize(
    'mistake, how_far',
    [
        (lambda cam2ego: np.stack([WORLD] * 3), '80 degrees'),
        (lambda cam2ego: np.linalg.inv(WORLD @ cam2ego), r'\d+ degrees'),
        (lambda cam2ego: WORLD @ cam2ego[[0, 2, 1]], '100 degrees'),
        (lambda cam2ego: WORLD @ np.stack([turned(20), np.eye(4), np.eye(4)]) @ cam2ego, '0.0 m and 20 degrees'),
    ],
    ids=['the car in place of its cameras', 'inverted', 'swapped', 'one camera turned'],
)
def test_cameras_put_the_car_to_one_place_of_the_world(mistake, how_far):
    """Whether there is LiDAR or not: the mounting of it may be all that lidar2cam is made of."""
    frames = rig()
    for frame in frames[1:]:
        frame['ori_cam2world'] = WORLD @ frame['cam2ego']
    # Each camera at its own time: half a sweep at 50 m/s, and a turn.
    frames[1]['ori_cam2world'][2] = WORLD @ turned(10, [5, 0, 0]) @ frames[1]['cam2ego'][2]
    check_index(frames, CAMERAS)
    frames[2]['ori_cam2world'] = mistake(frames[2]['cam2ego'])
    with pytest.raises(
        ValueError, match=f'frame f2: camera CAM_B: ori_cam2world and cam2ego put the vehicle .*{how_far} from where'
    ):
        check_index(frames, CAMERAS)


def test_shapes():
    frames = rig()
    frames[1]['lidar2cam'] = frames[1]['lidar2cam'][:, :3]
    with pytest.raises(ValueError, match=r'frame f1: lidar2cam must be \(3, 4, 4\), found \(3, 3, 4\)'):
        check_index(frames, CAMERAS)


def test_an_ego_frame_of_a_camera_is_no_ego_frame():
    """Poses relative to the first camera, as of data sets that have no vehicle's frame: neighbours would follow them."""
    frames = rig()
    for frame in frames:
        frame['cam2ego'] = np.linalg.inv(frame['cam2ego'][0]) @ frame['cam2ego']
        del frame['lidar2ego']
    with pytest.raises(
        ValueError, match='frame f0: camera CAM_A: cam2ego looks at the sky.* ego frame that of a camera'
    ):
        check_index(frames, CAMERAS)


def test_what_real_rigs_have_passes():
    """Skew, four-digit rotations (Boreas), the motion of 0.1 s at 50 m/s with a turn of 10 degrees, a long lorry."""
    frames = rig()
    frames[0]['cam2img'][:, 0, 1] = 3.0
    frames[1]['lidar2cam'] = frames[1]['lidar2cam'].round(4)
    frames[2]['lidar2cam'] = frames[2]['lidar2cam'] @ turned(10, [5, 0, 0])
    for key in ('cam2ego', 'lidar2ego'):
        frames[3][key][..., 0, 3] += 14
    check_index(frames, CAMERAS)


def test_real_frames_of_the_format_pass(sample_data):
    for folder, make in (('ddad_sample', DDADDataset), ('nuscenes_sample', NuScenesSurroundDataset)):
        ann_file = 'ddad.json' if make is DDADDataset else 'nuscenes_infos_val.pkl'
        assert len(make(ann_file, data_root=str(sample_data / folder), pipeline=[], test_mode=True))


def test_four_digit_calibration_of_a_real_rig_passes(sample_data):
    lidar2cam = np.loadtxt(sample_data / 'other_rigs/rig_descriptions/boreas/calib/T_camera_lidar.txt')
    cam2img = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    assert find_fault(cam2img[None], np.linalg.inv(lidar2cam)[None], lidar2cam[None]) is None


def test_every_frame_of_dgp_is_checked_not_every_calibration(tmp_path):
    """The poses of one sample contradict its calibration, which other samples share."""
    root = write_toy_dgp(tmp_path / 'toy')
    scene = json.loads((root / '000000/scene_0.json').read_text())
    for datum in scene['data']:
        if datum['key'] == 'LIDAR-1':
            datum['datum']['point_cloud']['pose'] = pose([0, 0, 0, 1], (40001.0, -20000.0, 5.0))
    (root / '000000/scene_0.json').write_text(json.dumps(scene))
    with pytest.raises(
        ValueError, match='frame 000000/0001: camera CAMERA_01: .* 180 degrees from where its lidar2ego'
    ):
        DDADDataset(data_root=str(root), pipeline=[], test_mode=True)


@pytest.mark.parametrize('change', [lambda T: T * np.nan, lambda T: T * 1000, np.transpose, np.linalg.inv])
def test_every_frame_of_infos_is_checked(tmp_path, sample_data, change):
    content = pickle.loads((sample_data / 'nuscenes_sample/nuscenes_infos_val.pkl').read_bytes())
    first = content['data_list'][0]
    image = dict(first['images']['CAM_FRONT'])
    image['lidar2cam'] = change(np.array(image['lidar2cam'])).tolist()
    content['data_list'].append(dict(first, token='other', images=dict(first['images'], CAM_FRONT=image)))
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match='frame other: (camera )?CAM_FRONT: .*lidar2cam'):
        NuScenesSurroundDataset('infos.pkl', data_root=str(tmp_path), pipeline=[], test_mode=True)


def test_names_are_there_once(tmp_path, sample_data):
    content = pickle.loads((sample_data / 'nuscenes_sample/nuscenes_infos_val.pkl').read_bytes())
    content['data_list'] *= 2
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match="frame 'ca9a282c9e77460f8360f564131a8af5' is in the index twice"):
        NuScenesSurroundDataset('infos.pkl', data_root=str(tmp_path), pipeline=[], test_mode=True)
