"""Frames between key frames, from raw tables that nuscenes-devkit reads too."""

import json
import pickle

import cv2
import numpy as np
import pytest
from nuscenes.nuscenes import NuScenes
from pyquaternion import Quaternion
from toy_nuscenes import (
    AZIMUTHS,
    CENTRE,
    RADIUS,
    VERSION,
    Record,
    ego2world,
    write_tables,
    write_token_infos,
    write_toy_nuscenes,
)

from fsmde.datasets import DDADDataset, NuScenesSurroundDataset, NuScenesSweepDataset
from fsmde.datasets.nuscenes_tables import CHUNK, rows_of

PIPELINE = [
    dict(type='mmdet3d.LoadSurroundImages'),
    dict(type='mmdet3d.LoadSurroundLidar'),
    dict(type='mmdet3d.ProjectLidarDepth'),
    dict(type='mmdet3d.PackSurroundInputs'),
]


def dataset(root, **kwargs):
    options = dict(ann_file='infos.pkl', data_root=str(root), tables=VERSION, pipeline=PIPELINE, test_mode=True)
    return NuScenesSweepDataset(**{**options, **kwargs})


@pytest.fixture(scope='module')
def drive(tmp_path_factory):
    root = tmp_path_factory.mktemp('nuscenes')
    write_token_infos(root / 'infos.pkl', write_toy_nuscenes(root))
    return root


def pose_by_devkit(devkit, row):
    """Sensor to world of a row of sample_data, the devkit's and pyquaternion's way."""
    matrix = np.eye(4)
    for table in ('ego_pose', 'calibrated_sensor'):
        record = devkit.get(table, row[f'{table}_token'])
        step = np.eye(4)
        step[:3, :3], step[:3, 3] = Quaternion(record['rotation']).rotation_matrix, record['translation']
        matrix = matrix @ step
    return matrix


def test_frames_are_those_that_the_devkit_finds_nearest(drive):
    devkit = NuScenes(VERSION, str(drive), verbose=False)
    frames = dataset(drive, lidar=True)
    infos = [frames.get_data_info(n) for n in range(len(frames))]
    # 13 images of CAM_FRONT in each scene, three of them of key frames.
    assert len(infos) == 20 and len({info['frame_id'] for info in infos}) == 20
    assert [info['scene'] for info in infos] == ['scene-0001'] * 10 + ['scene-0002'] * 10
    times = [info['timestamp'] for info in infos]
    assert times == sorted(times)
    for info in infos:
        first = devkit.get('sample_data', info['frame_id'])
        assert first['channel'] == 'CAM_FRONT' and not first['is_key_frame']
        assert info['timestamp'] == first['timestamp'] / 1e6
        scene = devkit.get('sample', first['sample_token'])['scene_token']
        for n, channel in enumerate([*AZIMUTHS, 'LIDAR_TOP']):
            rows = [
                row
                for row in devkit.sample_data
                if row['channel'] == channel and devkit.get('sample', row['sample_token'])['scene_token'] == scene
            ]
            row = min(rows, key=lambda row: abs(row['timestamp'] - first['timestamp']))
            path = info['lidar_path'] if channel == 'LIDAR_TOP' else info['img_path'][n]
            assert path == devkit.get_sample_data_path(row['token'])
            if channel == 'LIDAR_TOP':
                expected = np.linalg.inv(info['ori_cam2world']) @ pose_by_devkit(devkit, row)
                np.testing.assert_allclose(info['lidar2cam'], expected, atol=1e-9)
                assert abs(row['timestamp'] - first['timestamp']) <= 25_000
            else:
                np.testing.assert_allclose(info['ori_cam2world'][n], pose_by_devkit(devkit, row), atol=1e-9)
                assert (row['height'], row['width']) == info['stated_sizes'][n]


def test_points_lie_where_the_world_is(drive):
    """From the sweep through lidar2cam into a camera and on into the world: onto the cylinder, though the car drives
    10 m/s and turns between the sweep and each image.
    """
    frames, gaps = dataset(drive, lidar=True), []
    for number in range(len(frames)):
        info = frames.get_data_info(number)
        points = np.fromfile(info['lidar_path'], np.float32).reshape(-1, 5)[:, :3].astype(np.float64)
        cameras = info['lidar2cam'] @ np.c_[points, np.ones(len(points))].T
        world = info['ori_cam2world'] @ cameras
        np.testing.assert_allclose(np.hypot(*(world[:, :2] - CENTRE[:, None]).swapaxes(0, 1)), RADIUS, atol=1e-4)
        # Without the motion between sweep and images the points of some camera would be off by decimetres.
        still = np.linalg.inv(info['cam2ego']) @ info['lidar2ego']
        gaps.append(np.abs(still - info['lidar2cam'])[:, :3, 3].max())
        expected = ego2world(round(info['timestamp'] * 1e6), info['scene'] == 'scene-0002') @ info['cam2ego'][0]
        np.testing.assert_allclose(info['ori_cam2world'][0], expected, atol=1e-9)
    assert max(gaps) > 0.3
    assert (frames[0]['data_samples'].gt_depth > 0).sum() > 100


def test_without_lidar_frames_are_unlabelled(drive):
    frames = dataset(drive, test_mode=False)
    assert len(frames) == 20
    sample = frames[3]['data_samples']
    assert not sample.gt_depth.any() and sample.lidar_path is None


def test_key_frames_among_them_and_a_part_of_the_samples(drive, tmp_path):
    tokens = [row['token'] for row in json.loads((drive / VERSION / 'sample.json').read_text())]
    assert len(dataset(drive, key_frames=True)) == 26
    write_token_infos(tmp_path / 'second.pkl', tokens[3:])
    frames = dataset(drive, ann_file=str(tmp_path / 'second.pkl'))
    assert {frames.get_data_info(n)['scene'] for n in range(len(frames))} == {'scene-0002'} and len(frames) == 10
    write_token_infos(tmp_path / 'none.pkl', [*tokens, 'nobody'])
    with pytest.raises(
        ValueError, match="sample.json lacks 1 of 7 samples, such as 'nobody': tables and infos are of"
    ):
        dataset(drive, ann_file=str(tmp_path / 'none.pkl'))


def test_gaps(tmp_path, logged):
    """A camera that is silent takes its frames along, a silent LiDAR their labels."""
    silent = dict(CAM_BACK=range(200_000, 450_000), LIDAR_TOP=range(600_000, 801_000))
    keep = lambda scene, channel, time: scene == 1 or time not in silent.get(channel, ())
    write_token_infos(tmp_path / 'infos.pkl', write_toy_nuscenes(tmp_path, keep))
    frames = dataset(tmp_path, lidar=True)
    infos = [frames.get_data_info(n) for n in range(len(frames))]
    times = [round(1000 * info['timestamp']) for info in infos if info['scene'] == 'scene-0001']
    # CAM_BACK fires 21 ms behind CAM_FRONT, here at 104, 188, 521 and so on: 250, 333 and 417 have none within 50 ms.
    assert times == [83, 167, 583, 667, 750, 833, 917]
    assert [info['lidar_path'] is None for info in infos[:7]] == [False, False, False, True, True, False, False]
    assert infos[3]['labelled'] is False
    assert '3 frames are left out, since a camera has no image within 0.05 s of that of CAM_FRONT' in ' '.join(logged)
    with pytest.raises(ValueError, match='no frame between its key frames with an image of each of .* within 0.001 s'):
        dataset(tmp_path, max_gap=0.001)


def test_real_key_frame_through_tables(tmp_path, sample_data):
    """What mmdet3d's infos say of a real frame, written as tables: the same matrices, the same pixels."""
    source = sample_data / 'nuscenes_sample'
    known = NuScenesSurroundDataset('nuscenes_infos_val.pkl', data_root=str(source), pipeline=[], test_mode=True)
    expected = known.get_data_info(0)
    info = pickle.loads((source / 'nuscenes_infos_val.pkl').read_bytes())['data_list'][0]
    lidar2ego = np.array(info['lidar_points']['lidar2ego'])
    lidar2world = np.array(info['ego2global']) @ lidar2ego
    mounts = {'LIDAR_TOP': rotation_mended(lidar2ego)}
    records = [Record('LIDAR_TOP', 1_000_000, expected['lidar_path'], np.array(info['ego2global']), 0, True)]
    for n, camera in enumerate(known.cameras):
        mounts[camera] = rotation_mended(expected['cam2ego'][n])
        pose = lidar2world @ np.linalg.inv(expected['lidar2cam'][n]) @ np.linalg.inv(mounts[camera])
        records.append(Record(camera, 1_000_000 + 1000 * n, expected['img_path'][n], rotation_mended(pose), 0, True))
    intrinsics = dict(zip(known.cameras, expected['cam2img']))
    tokens = write_tables(
        tmp_path, {'scene-0061': records}, mounts, intrinsics, dict.fromkeys(intrinsics, (900, 1600))
    )
    write_token_infos(tmp_path / 'infos.pkl', tokens)
    frames = dataset(tmp_path, lidar=True, key_frames=True)
    found = frames.get_data_info(0)
    np.testing.assert_allclose(found['lidar2cam'], expected['lidar2cam'], atol=1e-5)
    mine, theirs = frames.lidar_pixels(0)[0], known.lidar_pixels(0)[0]
    assert abs(len(mine.z) - len(theirs.z)) <= 3 and len(theirs.z) > 15_000
    common, here, there = np.intersect1d(*(p.camera * 10**6 + p.index for p in (mine, theirs)), return_indices=True)
    assert len(common) >= len(theirs.z) - 3
    assert (mine.u[here] == theirs.u[there]).mean() > 0.999 and (mine.v[here] == theirs.v[there]).mean() > 0.999
    np.testing.assert_allclose(mine.z[here], theirs.z[there], atol=2e-4)


def rotation_mended(pose):
    """With the rotation nearest to one that was stored with seven digits: tables hold quaternions."""
    U, _, V = np.linalg.svd(pose[:3, :3])
    mended = np.array(pose, dtype=np.float64)
    mended[:3, :3] = U @ V
    return mended


def test_the_built_in_world_as_tables(tmp_path, tiny_world):
    """Sweeps fall onto the images where the world's dense depth says."""
    world = DDADDataset(data_root=str(tiny_world), split='test', pipeline=[], dense_depth='depth/{camera}/{stem}.png')
    records = []
    for number in range(2):
        info = world.get_data_info(number)
        mounts = dict(zip(AZIMUTHS, info['cam2ego']), LIDAR_TOP=info['lidar2ego'])
        intrinsics = dict(zip(AZIMUTHS, info['cam2img']))
        lidar2world = info['ori_cam2world'][0] @ info['lidar2cam'][0]
        path = tmp_path / f'{number}.bin'
        points = np.load(info['lidar_path'])['data']
        np.c_[points, np.zeros(len(points))].astype(np.float32).tofile(path)
        time, key = 83_333 * number, number == 0
        pose = lidar2world @ np.linalg.inv(info['lidar2ego'])
        records.append(Record('LIDAR_TOP', time + 9000, str(path), pose, 0, key))
        for camera, file, pose in zip(AZIMUTHS, info['img_path'], info['ori_cam2world']):
            records.append(Record(camera, time, file, pose @ np.linalg.inv(mounts[camera]), 0, key))
    sizes = dict.fromkeys(AZIMUTHS, cv2.imread(info['img_path'][0]).shape[:2])
    write_token_infos(tmp_path / 'infos.pkl', write_tables(tmp_path, dict(scene=records), mounts, intrinsics, sizes))
    frames = dataset(tmp_path, lidar=True)
    assert len(frames) == 1  # The first of the two is the key frame.
    pixels, _, _ = frames.lidar_pixels(0, rounding='floor')
    paths = world.get_data_info(1)['dense_depth_path']
    depth = np.stack([cv2.imread(path, cv2.IMREAD_UNCHANGED) for path in paths]) / 256
    truth = depth[pixels.camera, pixels.v, pixels.u]
    ratio = pixels.z[truth > 0] / truth[truth > 0]
    # A pixel is a degree wide: on the ground the points of one differ by percents, to both sides of its centre.
    assert len(ratio) > 50_000 and abs(np.median(ratio) - 1) < 0.01 and np.median(np.abs(ratio - 1)) < 0.05
    same, _, _ = world.lidar_pixels(1, rounding='floor')
    assert abs(len(same.z) - len(pixels.z)) < 10
    _, here, there = np.intersect1d(*(p.camera * 10**6 + p.index for p in (pixels, same)), return_indices=True)
    np.testing.assert_allclose(pixels.z[here], same.z[there], atol=1e-3)


@pytest.mark.parametrize('count', [1, 3])
def test_rows_across_chunks(tmp_path, count, monkeypatch):
    rows = [dict(token=f't{n}', text='],} {[' * n, number=-1.5e3 * n, list=[{}, []]) for n in range(200)]
    path = tmp_path / 'table.json'
    for size in (7, 64, CHUNK):
        monkeypatch.setattr('fsmde.datasets.nuscenes_tables.CHUNK', max(size, 4096))
        for indent in (None, 0, 4):
            path.write_text('\n' + json.dumps(rows * count, indent=indent))
            assert list(rows_of(str(path))) == rows * count
    path.write_text('[]')
    assert list(rows_of(str(path))) == []


@pytest.mark.parametrize(
    'text, message',
    [
        ('[{"token": "a"}, {"tok', 'is cut or no json in row 1'),
        ('[{"token": "a"}', 'is cut or no json in row 1'),
        ('{"token": "a"}', "is no table of nuScenes: it begins with '{"),
        ('', 'is no table of nuScenes'),
        ('[1]', 'row 0 must be an object, found 1'),
        ('[{"token" "a"}' + ' ' * 100 + ']', 'is cut or no json in row 0'),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, text, message):
    (tmp_path / 'table.json').write_text(text)
    with pytest.raises(ValueError, match=f'table.json:? {message}'):
        list(rows_of(str(tmp_path / 'table.json')))
