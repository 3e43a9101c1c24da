"""Argoverse 2: the built-in world in its layout against the world's truth, and its real log against av2's formula."""

import shutil

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from write_argoverse2 import LOG, nanoseconds

from fsmde.datasets import Argoverse2SurroundDataset
from fsmde.rig import project_points

CAMERAS = Argoverse2SurroundDataset.CAMERAS


@pytest.fixture(scope='module')
def world(argoverse2_world):
    return argoverse2_world[1:]


@pytest.fixture(scope='module')
def published(argoverse2_world):
    return argoverse2_world[0]


@pytest.fixture
def own_copy(published, tmp_path):
    return shutil.copytree(published, tmp_path / 'sensor')


def dataset(root, **kwargs):
    return Argoverse2SurroundDataset(data_root=str(root), pipeline=kwargs.pop('pipeline', []), **kwargs)


def test_frames_are_the_worlds(published, world):
    cameras, drive = world
    frames = dataset(published)
    assert [frames.get_data_info(i)['frame_id'] for i in range(len(frames))] == [
        f'{LOG}/{nanoseconds(moment.time)}' for moment in drive
    ]
    for number, moment in enumerate(drive):
        info = frames.get_data_info(number)
        assert info['scene'] == LOG and 'lenses' not in info
        assert info['stated_sizes'] == [camera.size for camera in cameras]
        for n, shot in enumerate(moment.shots):
            np.testing.assert_allclose(info['cam2img'][n], cameras[n].cam2img, atol=1e-12)
            np.testing.assert_allclose(info['cam2ego'][n], cameras[n].cam2ego, atol=1e-12)
            np.testing.assert_allclose(info['ori_cam2world'][n], shot.cam2world, atol=1e-9)
            # Not the grey one of 50 ms later.
            image = cv2.imread(info['img_path'][n])
            assert np.abs(image.astype(int) - shot.image).mean() < 4


def test_ground_truth_is_the_worlds(published, world):
    cameras, drive = world
    frames = dataset(published)
    for number, moment in enumerate(drive):
        pixels, visible, sizes = frames.lidar_pixels(number)
        assert visible.all() and sizes.tolist() == [list(camera.size) for camera in cameras]
        compensated = np.stack([np.linalg.inv(shot.cam2world) @ moment.ego2world for shot in moment.shots])
        points = moment.points.astype(np.float16)
        cam2img = np.stack([camera.cam2img for camera in cameras])
        truth = project_points(points, compensated, cam2img, sizes, 'floor')
        for key in ('camera', 'u', 'v', 'index'):
            np.testing.assert_array_equal(getattr(pixels, key), getattr(truth, key))
        np.testing.assert_allclose(pixels.z, truth.z, rtol=1e-6)
        for n, shot in enumerate(moment.shots):
            mine = pixels.camera == n
            assert mine.sum() > 300
            # Rendered depth is another source than the LiDAR: at edges and on what moves they differ.
            rendered = shot.depth[pixels.v[mine], pixels.u[mine]]
            error = np.abs(pixels.z[mine] / rendered - 1)[rendered > 0]
            assert np.median(error) < 0.01

    # The car moves by more than this between sweep and exposure: without its poses, points would be elsewhere.
    moved = np.linalg.norm(drive[0].shots[3].ego2world[:3, 3] - drive[0].ego2world[:3, 3])
    assert moved > 0.1


def test_every_and_cameras_choose(published):
    assert len(dataset(published, every=2)) == 1
    two = dataset(published, cameras=['ring_side_left', 'ring_front_center'])
    assert two.get_data_info(0)['cam2img'].shape == (2, 3, 3) and two.lidar_pixels(0)[2].tolist() == [
        [96, 128],
        [128, 96],
    ]
    with pytest.raises(ValueError, match='every must be a whole number from 1, found 0'):
        dataset(published, every=0)
    with pytest.raises(ValueError, match="split must be one of .* found 'training'"):
        dataset(published, split='training')
    with pytest.raises(FileNotFoundError, match='no index .*val'):
        dataset(published, split='val')


def test_sweeps_without_an_image_or_a_pose_are_left_out_and_counted(own_copy, world, logged):
    _, drive = world
    log = own_copy / 'train' / LOG
    late = log / f'sensors/cameras/ring_rear_left/{nanoseconds(drive[1].shots[3].time)}.jpg'
    late.unlink()  # The next one is 30 ms from the sweep, av2 takes 25.
    frames = dataset(own_copy)
    assert len(frames) == 1
    (said,) = [message for message in logged if 'left out' in message]
    assert 'has no image of ring_rear_left within 25 ms' in said and '1 of 2 sweeps are left out' in said

    # A pose at another time than the image's is none: av2 raises there, nothing is interpolated.
    import pyarrow as pa
    from pyarrow import compute

    path = log / 'city_SE3_egovehicle.feather'
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    kept = table.filter(compute.not_equal(table['timestamp_ns'], nanoseconds(drive[0].shots[2].time)))
    assert len(kept) == len(table) - 1
    with pa.OSFile(str(path), 'wb') as file, pa.ipc.new_file(file, kept.schema) as writer:
        writer.write_table(kept)
    with pytest.raises(ValueError, match='none of 2 sweeps .*: no pose is stated for the time'):
        dataset(own_copy)


@pytest.mark.parametrize(
    'path',
    [
        'calibration/intrinsics.feather',
        'calibration/egovehicle_SE3_sensor.feather',
        'city_SE3_egovehicle.feather',
    ],
)
def test_cut_and_absent_tables_are_named(own_copy, path):
    file = own_copy / 'train' / LOG / path
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match=f'{path} is cut or no .feather file'):
        dataset(own_copy)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=path):
        dataset(own_copy)


def test_cut_sweep_and_foreign_columns(own_copy, world):
    _, drive = world
    sweep = own_copy / 'train' / LOG / f'sensors/lidar/{nanoseconds(0)}.feather'
    content = sweep.read_bytes()
    sweep.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f'{sweep.name} is cut or no .feather file'):
        dataset(own_copy, test_mode=True).lidar_pixels(0)
    table = own_copy / 'train' / LOG / 'calibration/intrinsics.feather'
    sweep.write_bytes(table.read_bytes())
    with pytest.raises(ValueError, match="has no column \\['x', 'y', 'z'\\]; it has \\['sensor_name'"):
        dataset(own_copy, test_mode=True).lidar_pixels(0)


def test_a_camera_without_calibration_is_named(own_copy):
    with pytest.raises(ValueError, match='ring_front_centre must have one row, found 0; sensors'):
        dataset(own_copy, cameras=['ring_front_centre'])


def devkit_depth_map(points, row, intrinsics, city_se3_ego_cam, city_se3_ego_lidar):
    """``AV2SensorDataLoader.get_depth_map_from_lidar`` of av2 (MIT) without interpolation, formula by formula.

    ``row`` and ``intrinsics`` are rows of the tables, the poses (rotation, translation).
    """
    (rotation_c, translation_c), (rotation_l, translation_l) = city_se3_ego_cam, city_se3_ego_lidar
    in_city = points @ rotation_l.T + translation_l
    in_ego = (in_city - translation_c) @ rotation_c
    rotation = Rotation.from_quat([row[key] for key in ('qx', 'qy', 'qz', 'qw')]).as_matrix()
    in_camera = (in_ego - [row['tx_m'], row['ty_m'], row['tz_m']]) @ rotation
    K = np.eye(3)
    K[0, 0], K[1, 1], K[0, 2], K[1, 2] = (intrinsics[key] for key in ('fx_px', 'fy_px', 'cx_px', 'cy_px'))
    uv = in_camera @ K.T
    uv = uv[:, :2] / uv[:, 2:]
    width, height = int(intrinsics['width_px']), int(intrinsics['height_px'])
    valid = (
        (uv[:, 0] >= 0) & (uv[:, 0] < width - 1) & (uv[:, 1] >= 0) & (uv[:, 1] < height - 1) & (in_camera[:, 2] > 0)
    )
    u, v = np.round(uv[valid]).astype(np.int32).T
    depth = np.zeros((height, width), dtype=np.float32)
    depth[v, u] = in_camera[valid, 2]
    return depth


def test_real_log_equals_av2_in_every_pixel(sample_data, tmp_path):
    pa = pytest.importorskip('pyarrow')

    source = next((sample_data / 'other_rigs/av2_log_no_images/sensor/val').iterdir())
    log = shutil.copytree(source, tmp_path / 'sensor/val' / source.name)
    table = {
        name: pa.ipc.open_file((log / f'{name}.feather').read_bytes()).read_all().to_pylist()
        for name in ('city_SE3_egovehicle', 'calibration/egovehicle_SE3_sensor', 'calibration/intrinsics')
    }
    poses = {
        row['timestamp_ns']: (
            Rotation.from_quat([row[key] for key in ('qx', 'qy', 'qz', 'qw')]).as_matrix(),
            np.array([row['tx_m'], row['ty_m'], row['tz_m']]),
        )
        for row in table['city_SE3_egovehicle']
    }
    mounting = {row['sensor_name']: row for row in table['calibration/egovehicle_SE3_sensor']}
    intrinsics = {row['sensor_name']: row for row in table['calibration/intrinsics']}
    sweeps = sorted(int(path.stem) for path in (log / 'sensors/lidar').iterdir())
    # The real log has no images: black ones of the stated sizes, at the times of stated poses, 10 to 20 ms away.
    times = np.array(sorted(poses))
    image_time = {}
    for sweep in sweeps:
        for n, camera in enumerate(CAMERAS):
            image_time[sweep, camera] = time = int(times[np.searchsorted(times, sweep + 10_000_000 + n * 1_000_000)])
            size = intrinsics[camera]['height_px'], intrinsics[camera]['width_px']
            path = log / f'sensors/cameras/{camera}/{time}.jpg'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.zeros(size, np.uint8))

    frames = dataset(tmp_path / 'sensor', split='val')
    assert len(frames) == 2 and frames.metainfo['rounding'] == 'floor'
    for number, sweep in enumerate(sweeps):
        cloud = pa.ipc.open_file((log / f'sensors/lidar/{sweep}.feather').read_bytes()).read_all()
        points = np.stack([cloud[key].to_numpy() for key in 'xyz'], 1).astype(np.float64)
        pixels, _, sizes = frames.lidar_pixels(number)
        assert 11_000 < np.bincount(pixels.camera).min()
        for n, camera in enumerate(CAMERAS):
            expected = devkit_depth_map(
                points, mounting[camera], intrinsics[camera], poses[image_time[sweep, camera]], poses[sweep]
            )
            mine = pixels.camera == n
            found = np.zeros_like(expected)
            found[pixels.v[mine], pixels.u[mine]] = pixels.z[mine]
            assert (expected > 0).sum() > 9_000
            # av2 leaves out points in the outer half of the pixels at the border.
            assert (found > 0)[expected > 0].all()
            np.testing.assert_array_equal(found[1:-1, 1:-1] > 0, expected[1:-1, 1:-1] > 0)
            np.testing.assert_allclose(found[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-6)
