import json

import cv2
import numpy as np
import pytest
import yaml
from processes import run_tool

from fsmde.datasets import DDADDataset, NuScenesSurroundDataset
from fsmde.lenses import EquidistantLens, Lens, PlumbBobLens, RationalLens
from fsmde.poses import quaternion_to_matrix
from fsmde.rig import project_points
from fsmde.rig_file import read_rig
from fsmde.rig_formats import (
    camera_of_info,
    rig_from_dgp,
    rig_from_infos,
    rig_from_kitti,
    rig_from_nuscenes,
    rig_from_ros,
)
from fsmde.rig_formats.ros_frames import poses_in

AHEAD = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def test_dgp_is_what_the_data_set_reads(toy_dgp):
    (path,) = toy_dgp.glob('*/calibration/*.json')
    with pytest.raises(ValueError, match='camera CAMERA_01: .*--size WIDTH HEIGHT'):
        rig_from_dgp(path)
    rig = rig_from_dgp(path, size=(64, 48))
    dataset = DDADDataset(data_root=str(toy_dgp), split='val', test_mode=True)
    info = dataset.get_data_info(0)
    assert rig.names == tuple(info['cam_names'])
    np.testing.assert_array_equal(rig.camera_rig().cam2img, info['cam2img'])
    np.testing.assert_allclose(rig.camera_rig().cam2ego, info['cam2ego'], atol=1e-12)


@pytest.mark.parametrize(
    'fields, lens',
    [
        (dict(k1=-0.3, k2=0.1, p1=0.001, p2=0.002, k3=0.05), PlumbBobLens((-0.3, 0.1, 0.001, 0.002, 0.05))),
        (dict(k1=0.1, k6=0.2), RationalLens((0.1, 0, 0, 0, 0, 0, 0, 0.2))),
        (dict(fisheye=True, k1=0.1, k4=0.2), EquidistantLens((0.1, 0, 0, 0.2))),
        (dict(skew=0.0), Lens()),
        (dict(xi=0.9), "CAMERA_01: its lens is not known here: {'xi': 0.9}"),
        (dict(distortion=[1]), r"CAMERA_01: unknown fields \['distortion'\]"),
    ],
)
def test_lenses_of_dgp(toy_dgp, fields, lens):
    (path,) = toy_dgp.glob('*/calibration/*.json')
    content = json.loads(path.read_text())
    content['intrinsics'][1].update(fields)
    path.write_text(json.dumps(content))
    if isinstance(lens, str):
        with pytest.raises(ValueError, match=lens):
            rig_from_dgp(path, size=(64, 48))
    else:
        assert rig_from_dgp(path, size=(64, 48))['CAMERA_01'].lens == lens


def test_real_ddad(sample_data):
    (path,) = (sample_data / 'ddad_sample').glob('*/calibration/*.json')
    rig = rig_from_dgp(path, cameras=DDADDataset.CAMERAS)
    assert {camera.size for camera in rig.cameras} == {(1936, 1216)}
    # FACTS: 48 degrees ahead, 85 for the others; the ring to the left.
    widths = [2 * np.degrees(np.arctan(968 / camera.cam2img[0, 0])) for camera in rig.cameras]
    assert widths[0] == pytest.approx(48, abs=1) and min(widths[1:]) > 84
    assert np.all(np.diff(np.degrees(rig.camera_rig().azimuths) % 360)[1:] > 0)


def test_real_nuscenes_infos(sample_data, tmp_path):
    path = sample_data / 'nuscenes_sample/nuscenes_infos_val.pkl'
    rig = rig_from_infos(path)
    assert {camera.size for camera in rig.cameras} == {(1600, 900)} and rig.names == NuScenesSurroundDataset.CAMERAS
    azimuths = np.degrees(rig.camera_rig().azimuths)
    np.testing.assert_allclose(azimuths, [0, 55, 110, 180, -110, -55], atol=2.5)
    with pytest.raises(ValueError, match='no frame 7'):
        rig_from_infos(path, frame=7)
    code, printed = run_tool(
        'dataset_converters/make_rig.py', tmp_path / 'rig.yaml', 'infos', path, log=tmp_path / 'log'
    )
    assert code == 0 and '6 cameras with poses' in printed
    np.testing.assert_array_equal(read_rig(tmp_path / 'rig.yaml').camera_rig().cam2ego, rig.camera_rig().cam2ego)
    code, printed = run_tool(
        'dataset_converters/make_rig.py', tmp_path / 'rig.yaml', 'infos', path, log=tmp_path / 'log'
    )
    assert code != 0 and 'is there already' in printed


def test_nuscenes_tables(tmp_path):
    """Tables by the schema of nuscenes-devkit's docs/schema_nuscenes.md."""
    folder = tmp_path / 'v1.0-mini'
    folder.mkdir()
    quaternion, translation = [0.5, -0.5, 0.5, -0.5], [1.7, 0.0, 1.5]
    K = [[1266.4, 0, 816.3], [0, 1266.4, 491.5], [0, 0, 1]]
    tables = dict(
        sensor=[
            dict(token='s1', channel='CAM_FRONT', modality='camera'),
            dict(token='s2', channel='LIDAR_TOP', modality='lidar'),
        ],
        calibrated_sensor=[
            dict(token='c1', sensor_token='s1', translation=translation, rotation=quaternion, camera_intrinsic=K),
            dict(token='c2', sensor_token='s2', translation=[0, 0, 1.8], rotation=[1, 0, 0, 0], camera_intrinsic=[]),
        ],
        sample_data=[
            dict(sample_token='a', calibrated_sensor_token='c2', is_key_frame=True, width=0, height=0),
            dict(sample_token='a', calibrated_sensor_token='c1', is_key_frame=True, width=1600, height=900),
        ],
    )
    for name, rows in tables.items():
        (folder / f'{name}.json').write_text(json.dumps(rows))
    camera = rig_from_nuscenes(tmp_path, 'v1.0-mini')['CAM_FRONT']
    np.testing.assert_array_equal(camera.cam2img, K)
    np.testing.assert_allclose(camera.cam2ego[:3, 3], translation)
    np.testing.assert_allclose(camera.cam2ego[:3, :3], AHEAD[:3, :3], atol=1e-12)
    with pytest.raises(ValueError, match='sample b has no'):
        rig_from_nuscenes(tmp_path, 'v1.0-mini', sample='b')
    with pytest.raises(FileNotFoundError, match='sensor.json'):
        rig_from_nuscenes(tmp_path)


@pytest.mark.parametrize('rectified', [True, False])
def test_real_kitti_projects_as_its_own_matrices_do(sample_data, rectified):
    folder = sample_data / 'other_rigs/kitti_raw_sfnd/2011_09_26'
    rig = rig_from_kitti(folder, rectified)
    (file, *_) = sorted(folder.rglob('velodyne_points/data/*.bin'))
    points = np.fromfile(file, np.float32).reshape(-1, 4)[:, :3].astype(np.float64)
    text = {}
    for name in ('calib_cam_to_cam.txt', 'calib_velo_to_cam.txt'):
        for line in (folder / name).read_text().splitlines():
            key, values = line.split(':', 1)
            text[key] = values if 'calib_time' in key else np.array(values.split(), float)
    velo2cam = np.eye(4)
    velo2cam[:3] = np.c_[text['R'].reshape(3, 3), text['T']]
    for number in ('02', '03'):
        camera = rig[f'image_{number}']
        in_camera = points @ np.linalg.inv(camera.cam2ego)[:3, :3].T + np.linalg.inv(camera.cam2ego)[:3, 3]
        homogeneous = np.c_[points, np.ones(len(points))] @ velo2cam.T
        if rectified:
            # The readme of KITTI's raw data: y = P_rect_xx R_rect_00 (R|T)_velo_to_cam x.
            turn = np.eye(4)
            turn[:3, :3] = text['R_rect_00'].reshape(3, 3)
            expected = homogeneous @ turn.T @ text[f'P_rect_{number}'].reshape(3, 4).T
            assert camera.size == (1242, 375) and camera.lens == Lens()
        else:
            motion = np.c_[text[f'R_{number}'].reshape(3, 3), text[f'T_{number}']]
            expected = homogeneous @ motion.T @ text[f'K_{number}'].reshape(3, 3).T
            assert camera.size == (1392, 512) and camera.lens.MODEL == 'plumb_bob'
        found = in_camera @ (camera.cam2img - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]).T
        front = expected[:, 2] > 1
        np.testing.assert_allclose(
            (found[:, :2] / found[:, 2:])[front], (expected[:, :2] / expected[:, 2:])[front], atol=1e-2
        )
        seen = project_points(points, np.linalg.inv(camera.cam2ego)[None], camera.cam2img[None], [camera.size[::-1]])
        assert 14000 < len(seen.z) < 30000


def test_the_object_benchmark_of_kitti(tmp_path):
    (tmp_path / '000000.txt').write_text(
        'P2: 700 0 600 70 0 700 180 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\n'
        'Tr_velo_to_cam: 0 -1 0 0 0 0 -1 -0.08 1 0 0 -0.27\n'
    )
    camera = rig_from_kitti(tmp_path / '000000.txt', size=(1242, 375), cameras=('2',))['image_02']
    # P2's 70 is fx times 0.1: the camera is 0.1 m to the left of camera 0, and x of its points is 0.1 m larger.
    np.testing.assert_allclose(camera.cam2ego[:3, 3], [0.27, 0.1, -0.08])
    np.testing.assert_allclose(camera.cam2ego[:3, :3], AHEAD[:3, :3])
    with pytest.raises(ValueError, match='--size'):
        rig_from_kitti(tmp_path / '000000.txt', cameras=('2',))
    with pytest.raises(ValueError, match="'P3' is missing"):
        rig_from_kitti(tmp_path / '000000.txt', size=(1242, 375))


INFO = dict(
    image_width=1440,
    image_height=1080,
    camera_name='front',
    camera_matrix=dict(rows=3, cols=3, data=[1039.0, 0, 720, 0, 1038, 553, 0, 0, 1]),
    distortion_model='plumb_bob',
    distortion_coefficients=dict(rows=1, cols=5, data=[-0.1, 0.08, 0.0, 0.0003, 0]),
    rectification_matrix=dict(rows=3, cols=3, data=[1.0, 0, 0, 0, 1, 0, 0, 0, 1]),
    projection_matrix=dict(rows=3, cols=4, data=[1000.0, 0, 721, 0, 0, 1011, 554, 0, 0, 0, 1, 0]),
)


@pytest.fixture
def info(tmp_path):
    path = tmp_path / 'front.yaml'
    path.write_text(yaml.safe_dump(INFO))
    return path


def test_camera_info_of_original_and_rectified_images(info):
    camera = rig_from_ros([info])['front']
    np.testing.assert_array_equal(camera.cam2img, [[1039, 0, 720.5], [0, 1038, 553.5], [0, 0, 1]])
    assert camera.lens == PlumbBobLens((-0.1, 0.08, 0, 0.0003, 0)) and camera.cam2ego is None
    camera = rig_from_ros([info], rectified=True)['front']
    np.testing.assert_array_equal(camera.cam2img, [[1000, 0, 721.5], [0, 1011, 554.5], [0, 0, 1]])
    assert camera.lens == Lens()


def test_camera_info_messages():
    K = INFO['camera_matrix']['data']
    eight = camera_of_info('A', (1440, 1080), K, [0.1] * 8, 'plumb_bob')
    assert isinstance(eight.lens, RationalLens)
    assert camera_of_info('A', (1440, 1080), K, [0] * 5, 'plumb_bob').lens == Lens()
    assert camera_of_info('A', (1440, 1080), K, [], '').lens == Lens()
    # An equidistant lens whose coefficients are 0 is still no pinhole.
    assert camera_of_info('A', (1440, 1080), K, [0] * 4, 'equidistant').lens == EquidistantLens((0, 0, 0, 0))
    with pytest.raises(ValueError, match="'f_theta' is unknown"):
        camera_of_info('A', (1440, 1080), K, [1, 2], 'f_theta')
    with pytest.raises(ValueError, match='camera A: intrinsics'):
        camera_of_info('A', (1440, 1080), K, rectified=True)


def test_a_tree_of_body_frames(info, tmp_path):
    (tmp_path / 'a.yaml').write_text(
        'base_link: {kit: {x: 1.0, y: 0, z: 2, roll: 0, pitch: 0, yaw: 1.5707963267948966}}'
    )
    (tmp_path / 'b.yaml').write_text('kit: {front/camera_link: {x: 0.5, y: 0, z: 0, roll: 0, pitch: 0, yaw: 0}}')
    camera = rig_from_ros([info], [tmp_path / 'a.yaml', tmp_path / 'b.yaml'])['front']
    # Half a metre ahead of a kit that is turned to the left.
    np.testing.assert_allclose(camera.cam2ego[:3, 3], [1, 0.5, 2], atol=1e-12)
    turned = quaternion_to_matrix([0, 0, 0], [np.sqrt(0.5), 0, 0, np.sqrt(0.5)])
    np.testing.assert_allclose(camera.cam2ego[:3, :3], (turned @ AHEAD)[:3, :3], atol=1e-12)
    with pytest.raises(ValueError, match="no frame is connected with 'vehicle'; .*base_link"):
        rig_from_ros([info], [tmp_path / 'a.yaml'], ego_frame='vehicle')
    with pytest.raises(ValueError, match=r'camera front: no transform leads .*base_link'):
        rig_from_ros([info], [tmp_path / 'a.yaml'])


def test_two_cameras_in_one_place(info, tmp_path):
    # One by its body frame, the other by an optical frame that is there to seven digits.
    here = '{x: 1.0, y: 0, z: 2, roll: 0, pitch: 0, yaw: 0}'
    optical = '{x: 1.0, y: 0, z: 2, roll: -1.5707963, pitch: 0, yaw: -1.5707963}'
    (tmp_path / 'tree.yaml').write_text(f'base_link: {{mast_link: {here}, mast_optical: {optical}}}')
    # As in a calibrated pair one is turned by its rectification.
    turn = cv2.Rodrigues(np.array([0.0, 0.01, 0]))[0]
    right = dict(INFO, camera_name='right', rectification_matrix=dict(rows=3, cols=3, data=turn.ravel().tolist()))
    (tmp_path / 'right.yaml').write_text(yaml.safe_dump(right))
    both, tree = [info, tmp_path / 'right.yaml'], [tmp_path / 'tree.yaml']
    for frame in ('mast_link', 'mast_optical'):
        for rectified in (False, True):
            with pytest.raises(ValueError, match='right.yaml: cameras front and right have one pose.* stereo pair'):
                rig_from_ros(both, tree, frames=dict(front='mast_link', right=frame), rectified=rectified)
    # Without poses nobody says where they are.
    assert rig_from_ros(both, rectified=True).names == ('front', 'right')
    (tmp_path / 'tree.yaml').write_text(
        f'base_link: {{a_link: {here}, b_link: {here.replace("yaw: 0", "yaw: 0.01")}}}'
    )
    assert rig_from_ros(both, tree, frames=dict(front='a_link', right='b_link')).has_poses


def test_transforms_as_messages(info, tmp_path):
    def message(parent, child, translation, rotation):
        transform = dict(translation=dict(zip('xyz', translation)), rotation=dict(zip('wxyz', rotation)))
        return dict(header=dict(frame_id=parent), child_frame_id=child, transform=transform)

    # The tree's root is the LiDAR; the vehicle is one of its children.
    first = message('lidar', 'front_optical_frame', [1.0, 0, 0], [0.5, -0.5, 0.5, -0.5])
    second = message('lidar', 'base_link', [0.0, 0, -1.8], [1.0, 0, 0, 0])
    (tmp_path / 'tf.yaml').write_text(yaml.safe_dump(dict(transforms=[first, second])))
    camera = rig_from_ros([info], [tmp_path / 'tf.yaml'])['front']
    np.testing.assert_allclose(camera.cam2ego[:3, 3], [1, 0, 1.8])
    np.testing.assert_allclose(camera.cam2ego[:3, :3], AHEAD[:3, :3], atol=1e-12)


def test_real_autoware(sample_data):
    folder = sample_data / 'other_rigs/rig_descriptions/autoware_aip_xx1_jpntaxi'
    rig = rig_from_ros(sorted(folder.glob('*/*_info.yaml')), sorted(folder.glob('*calibration.yaml')))
    assert rig.names == tuple(f'camera{n}' for n in range(8)) and rig['camera6'].size == (2880, 1860)
    azimuths = np.degrees(rig.camera_rig().azimuths)
    # Cameras 0 and 1 of this taxi look ahead and back, 2 and 3 to the left, 4 and 5 to the right; 2 m up.
    assert abs(azimuths[0]) < 3 and abs(azimuths[1]) > 175
    assert (azimuths[2:4] > 45).all() and (azimuths[4:6] < -45).all()
    assert all(1.7 < camera.cam2ego[2, 3] < 2.3 for camera in rig.cameras[:6])


def test_hostile_files_are_named(tmp_path):
    for name, content in dict(cut='{"names": [', yaml='a: [', empty='').items():
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match='cut is cut or no JSON'):
        rig_from_dgp(tmp_path / 'cut')
    with pytest.raises(ValueError, match='yaml is no YAML'):
        rig_from_ros([tmp_path / 'yaml'])
    with pytest.raises(ValueError, match='empty is empty'):
        rig_from_ros([tmp_path / 'empty'])
    with pytest.raises(ValueError, match='empty holds no line'):
        rig_from_kitti(tmp_path / 'empty')
    with pytest.raises(FileNotFoundError, match='nothing'):
        poses_in([tmp_path / 'nothing'], 'base_link')
