"""KITTI-360: the built-in world in its layout against the world's truth and kitti360scripts' formulas; real fisheyes."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from write_kitti360 import FIRST, RECTIFICATION, SEQUENCE, TO_POSE, rig

from fsmde.datasets import Kitti360SurroundDataset
from fsmde.datasets.kitti360_surround_dataset import read_rig
from fsmde.datasets.transforms.point_clouds import load_frame_points, without_turn

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def world(kitti360_world):
    """Scans, the pose before them, and image and z-depth of the camera ahead at each frame's time."""
    return kitti360_world[1:]


@pytest.fixture(scope='module')
def published(kitti360_world):
    return kitti360_world[0]


@pytest.fixture
def own_copy(published, tmp_path):
    return shutil.copytree(published, tmp_path / 'KITTI-360')


def dataset(root, **kwargs):
    return Kitti360SurroundDataset(data_root=str(root), pipeline=[], **kwargs)


def test_frames_are_the_worlds(published, world, logged):
    scans, _, _ = world
    cameras, lidar2ego = rig()
    frames = dataset(published)
    # The first pose is of a frame without anything else.
    assert any('1 of 3 frames with a pose lack the scan or an image' in message for message in logged)
    assert [frames.get_data_info(n)['frame_id'] for n in range(len(frames))] == [
        f'{SEQUENCE}/{FIRST + n:010d}' for n in range(2)
    ]
    for n, (_, _, ego2world) in enumerate(scans):
        info = frames.get_data_info(n)
        assert [lens.MODEL for lens in info['lenses']] == ['none', 'mei', 'mei']
        assert info['stated_sizes'] == [camera.size for camera in cameras]
        np.testing.assert_allclose(info['lidar2ego'], lidar2ego, atol=1e-9)
        for place, camera in enumerate(cameras):
            np.testing.assert_allclose(info['cam2ego'][place], camera.cam2ego, atol=1e-9)
            np.testing.assert_allclose(info['ori_cam2world'][place], ego2world @ camera.cam2ego, atol=1e-8)
            np.testing.assert_allclose(info['lidar2cam'][place], np.linalg.inv(camera.cam2ego) @ lidar2ego, atol=1e-9)
    assert info['lenses'][1].coefficients == (
        2.213404750785489,
        0.016798235660113681,
        1.6548773243373522,
        4.2223943394772046e-04,
        4.2462134260997584e-04,
    )


def test_scans_are_free_of_the_cars_motion(published, world):
    """Each beam was cast from where the car was then; the truth is where it arrived."""
    scans, before, _ = world
    lidar2ego = rig()[1]
    frames, previous = dataset(published), before
    for n, (raw, in_world, ego2world) in enumerate(scans):
        lidar2world = ego2world @ lidar2ego
        truth = (in_world - lidar2world[:3, 3]) @ lidar2world[:3, :3]
        points = load_frame_points(frames.get_data_info(n))
        moved = np.linalg.norm(ego2world[:3, 3] - previous[:3, 3])
        assert moved > 0.5
        # The car turns and sways a little otherwise within a tenth of a second, and beams of a group share a pose.
        error = np.linalg.norm(points - truth, axis=1)
        as_scanned = np.linalg.norm(raw[:, :3] - truth, axis=1)
        assert np.median(error) < 0.03 * moved < 0.2 * moved < np.median(as_scanned)
        previous = ego2world


def curl(points, r, t):
    """``curl_velodyne_data`` of kitti360scripts (helpers/curlVelodyneData_impl.c), point by point."""
    out = points.copy()
    for i, (x, y, z) in enumerate(points):
        s = 0.5 * np.arctan2(y, x) / np.pi
        rotation, translation = s * r, s * t
        theta = np.sqrt((rotation**2).sum())
        v = np.array([x, y, z])
        if theta > 1e-10:
            k = rotation / theta
            v = v * np.cos(theta) + np.cross(k, v) * np.sin(theta) + k * (k @ v) * (1 - np.cos(theta))
        out[i] = v + translation
    return out


def test_the_turn_is_kitti360scripts(world):
    from scipy.spatial.transform import Rotation

    (raw, _, _) = world[0][0]
    turn = np.eye(4)
    r, t = np.array([0.002, -0.004, 0.03]), np.array([-1.2, 0.05, 0.01])
    turn[:3, :3], turn[:3, 3] = Rotation.from_rotvec(r).as_matrix(), t
    points = raw[::7, :3].astype(np.float64)
    np.testing.assert_allclose(without_turn(points, turn), curl(points, r, t), atol=1e-9)
    turn[:3, :3] = np.eye(3)
    np.testing.assert_allclose(without_turn(points, turn), curl(points, 0 * r, t), atol=1e-12)


def test_ground_truth_ahead_is_kitti360scripts_and_the_worlds(published, world):
    """``projectVeloToImage`` of kitti360scripts (viewer/kitti360Viewer3DRaw.py) for camera 0, with its own matrices."""
    scans, before, fronts = world
    cameras, lidar2ego = rig()
    frames, previous = dataset(published, cameras=['image_00']), before
    cam2pose = TO_POSE @ cameras[0].cam2ego @ RECTIFICATION
    velo2pose = TO_POSE @ lidar2ego
    cam2velo = np.linalg.inv(velo2pose) @ cam2pose
    for n, ((raw, _, ego2world), (_, rendered)) in enumerate(zip(scans, fronts)):
        delta = np.linalg.inv(velo2pose) @ np.linalg.inv(ego2world @ TO_POSE) @ (previous @ TO_POSE) @ velo2pose
        axis = np.array([delta[2, 1] - delta[1, 2], delta[0, 2] - delta[2, 0], delta[1, 0] - delta[0, 1]])
        size = np.linalg.norm(axis)
        r = axis / size * np.arctan2(size, np.trace(delta[:3, :3]) - 1)
        points = curl(raw[:, :3].astype(np.float64), r, delta[:3, 3])
        velo2rect = RECTIFICATION @ np.linalg.inv(cam2velo)
        in_camera = points @ velo2rect[:3, :3].T + velo2rect[:3, 3]
        K = cameras[0].cam2img - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
        projected = in_camera @ K.T
        depth = projected[:, 2]
        u, v = (np.round(projected[:, axis] / np.abs(depth)).astype(int) for axis in (0, 1))
        height, width = cameras[0].size
        mask = (u >= 0) & (u < width) & (v >= 0) & (v < height) & (depth > 0)
        expected = np.zeros((height, width), np.float32)
        expected[v[mask], u[mask]] = depth[mask]
        pixels = frames.lidar_pixels(n)[0]
        found = pixels.scatter(1, height, width, 'last')[0]
        assert (expected > 0).sum() > 300
        np.testing.assert_array_equal(found > 0, expected > 0)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        both = (found > 0) & (rendered > 0)
        assert np.median(np.abs(found[both] / rendered[both] - 1)) < 0.01
        previous = ego2world


def test_frames_and_sequences_are_chosen(published, own_copy):
    assert len(dataset(published, every=2)) == 1  # Of three poses the third, since the first has no scan.
    with pytest.raises(ValueError, match='every must be a whole number from 1'):
        dataset(published, every=0)
    with pytest.raises(ValueError, match="no poses of \\['2013_05_28_drive_0099_sync'\\]; it has"):
        dataset(published, sequences=['2013_05_28_drive_0099_sync'])
    with pytest.raises(ValueError, match="cameras \\['image_00', .*, and not \\['image_04'\\]"):
        dataset(published, cameras=['image_04'])
    (own_copy / f'data_3d_raw/{SEQUENCE}/velodyne_points/data/{FIRST:010d}.bin').unlink()
    (own_copy / f'data_2d_raw/{SEQUENCE}/image_03/data_rgb/{FIRST + 1:010d}.png').unlink()
    with pytest.raises(ValueError, match='none of 3 frames with a pose has a scan and all images'):
        dataset(own_copy)


@pytest.mark.parametrize(
    'file, old, new, message',
    [
        ('perspective.txt', 'R_rect_00', 'R_rect_09', "perspective.txt .*'R_rect_00' is missing"),
        ('calib_cam_to_pose.txt', 'image_00: ', 'image_00: 0 ', 'image_00 must be 12 numbers, found 13'),
        ('calib_cam_to_pose.txt', 'image_02: ', 'image_02: 0 ', 'calib_cam_to_pose.txt: .* size 13 into shape'),
        ('calib_cam_to_pose.txt', 'image_03', 'image_33', "calib_cam_to_pose.txt .*'image_03' is missing"),
        ('calib_cam_to_velo.txt', 'e-', 'x', 'calib_cam_to_velo.txt: its matrix must be 12 numbers'),
        ('image_02.yaml', 'MEI', 'KANNALA_BRANDT', "image_02.yaml: model_type: expected MEI, found 'KANNALA_BRANDT'"),
        ('image_02.yaml', 'p2: ', 'p3: ', "image_02.yaml .*'p2' is missing"),
        ('image_03.yaml', 'image_width', 'width', "image_03.yaml .*'image_width' is missing"),
        ('image_03.yaml', 'xi: 2.2134047507854890e+00', 'xi: [', 'image_03.yaml is no YAML'),
    ],
)
def test_faults_of_the_calibration_are_named(own_copy, file, old, new, message):
    path = own_copy / 'calibration' / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        dataset(own_copy)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=file):
        dataset(own_copy)


def test_faults_of_the_poses_are_named(own_copy):
    path = own_copy / 'data_poses' / SEQUENCE / 'poses.txt'
    lines = path.read_text().splitlines()
    path.write_text('\n'.join([lines[0], lines[1][:-20], lines[2]]))
    with pytest.raises(ValueError, match='poses.txt: line 2 must be 12 numbers, found 11'):
        dataset(own_copy)
    path.write_text('\n'.join([lines[0], lines[1], lines[1]]))
    with pytest.raises(ValueError, match='line 3 must begin with the number of a new frame'):
        dataset(own_copy)


def test_real_fisheyes_are_read_as_they_are_published(sample_data, own_copy):
    folder = sample_data / 'other_rigs/kitti360_fisheye'
    for name in ('image_02', 'image_03'):
        shutil.copy(folder / f'calibration_transcribed/{name}.yaml', own_copy / f'calibration/{name}.yaml')
    found = read_rig(str(own_copy / 'calibration'), ['image_02', 'image_03'])
    stated = json.loads((folder / 'kitti360_sample.json').read_text())
    stated = stated.get('cam_params', stated)
    assert found['lenses'][0].coefficients == tuple(float(stated[key]) for key in ('xi', 'k1', 'k2', 'p1', 'p2'))
    (fx, _, cx), (_, fy, cy), _ = found['cam2img'][0]
    assert [fx, fy, cx - 0.5, cy - 0.5] == pytest.approx([float(stated[key]) for key in ('fx', 'fy', 'cx', 'cy')])
    assert found['stated_sizes'] == [(1400, 1400)] * 2
    assert found['cam2img'][1][0, 0] == pytest.approx(1485.4388981875156)


def test_real_fisheye_has_its_depth_in_views(sample_data, own_copy):
    """The real image and the ranges that another project projected into it, as a scan of the camera itself."""
    from mmengine.config import Config

    folder = sample_data / 'other_rigs/kitti360_fisheye'
    shutil.copy(folder / 'calibration_transcribed/image_02.yaml', own_copy / 'calibration/image_02.yaml')
    name = f'{FIRST:010d}'
    image = own_copy / f'data_2d_raw/{SEQUENCE}/image_02/data_rgb/{name}.png'
    shutil.copy(folder / 'kitti360_rgb.png', image)
    ranges = cv2.imread(str(folder / 'kitti360_depth.png'), cv2.IMREAD_UNCHANGED) / 256
    calibration = read_rig(str(own_copy / 'calibration'), ['image_02'])
    K, lens = calibration['cam2img'][0], calibration['lenses'][0]
    v, u = np.nonzero(ranges)
    rays = lens.unproject((np.stack([u, v], 1) + 0.5 - K[:2, 2]) / np.diag(K)[:2])
    # kitti360scripts' cam2image, with camodocal's tangential part, says that these are the pixels' rays.
    xi, k1, k2, p1, p2 = lens.coefficients
    x, y = (rays[:, :2] / (rays[:, 2:] + xi)).T
    s = x * x + y * y
    factor = 1 + k1 * s + k2 * s * s
    x, y = x * factor + 2 * p1 * x * y + p2 * (s + 2 * x * x), y * factor + p1 * (s + 2 * y * y) + 2 * p2 * x * y
    found = np.stack([K[0, 0] * x + K[0, 2], K[1, 1] * y + K[1, 2]], 1)
    seen = np.isfinite(rays[:, 0])
    assert seen.mean() > 0.999
    np.testing.assert_allclose(found[seen], (np.stack([u, v], 1) + 0.5)[seen], atol=1e-6)

    cloud = (rays * ranges[v, u, None])[seen]
    lidar2cam = calibration['lidar2cam'][0]
    in_velodyne = (cloud - lidar2cam[:3, 3]) @ lidar2cam[:3, :3]
    points = np.concatenate([in_velodyne, np.zeros((len(cloud), 1))], 1).astype(np.float32)
    points.tofile(own_copy / f'data_3d_raw/{SEQUENCE}/velodyne_points/data/{name}.bin')
    # One pose, and no motion: ranges of an accumulated scan are free of it.
    poses = own_copy / 'data_poses' / SEQUENCE / 'poses.txt'
    poses.write_text(next(line for line in poses.read_text().splitlines() if line.startswith(f'{FIRST} ')))
    views = Config.fromfile(ROOT / 'configs/fsmde_sup_kitti360.py').all_views['image_02']
    frames = Kitti360SurroundDataset(
        data_root=str(own_copy),
        cameras=['image_02'],
        pipeline=[
            dict(type='mmdet3d.LoadSurroundImages'),
            dict(type='mmdet3d.RectifyViews', views=dict(image_02=views)),
        ],
    )
    pixels, _, _ = frames.lidar_pixels(0)
    assert frames.metainfo['cam_names'] == ['image_02/front', 'image_02/side', 'image_02/rear']
    assert np.bincount(pixels.camera).min() > 4_000
    # z-depth along a view's ray is as far as the range of the original pixel that the ray goes through.
    data = frames.prepare_data(0)
    for n in range(3):
        mine = pixels.camera == n
        cam2img = data['ori_cam2img'][n]
        rays = (
            np.stack([pixels.u[mine] + 0.5, pixels.v[mine] + 0.5, np.ones(mine.sum())], 1) @ np.linalg.inv(cam2img).T
        )
        stated = ranges[v, u][seen][pixels.index[mine]]
        np.testing.assert_allclose(pixels.z[mine] * np.linalg.norm(rays, axis=1), stated, rtol=0.01)
