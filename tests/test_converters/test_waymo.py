"""Waymo's parquet files: the built-in world in their schema against the world's truth, and real pieces."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from write_waymo import (
    AZIMUTHS,
    LENS,
    NAMES,
    SEGMENT,
    SegmentFiles,
    encode,
    write_cameras,
    write_lidar,
    write_vehicle_poses,
)

from fsmde.converters import convert_waymo
from fsmde.converters.waymo_lidar import LaserCalibration, without_motion
from fsmde.converters.waymo_segment import AXES, Segment, to_matrix
from fsmde.datasets import WaymoSurroundDataset


def test_points_are_those_of_waymos_own_test():
    """Numbers of ``lidar_utils_test.py`` of waymo-open-dataset: ``test_convert_range_image_to_cartesian``."""
    ranges = np.arange(-12.0, 12).reshape(3, 2, 4)[..., 0]
    calibration = LaserCalibration(np.eye(4), np.array([-np.pi / 2, 0, np.pi / 2]), -np.pi / 2, np.pi / 2)
    pixel_poses = np.tile([np.pi / 2, np.pi / 2, np.pi / 2, 1, 2, 3], (3, 2, 1))
    points = without_motion(calibration.points(ranges), pixel_poses, np.eye(4))
    expected = [[-11, 2, 3], [-7, 2, 3], [1, -2, 3], [1, 2, 3], [-3, 2, 3], [-7, 2, 3]]
    np.testing.assert_allclose(points.reshape(-1, 3), expected, atol=1e-6)
    with pytest.raises(ValueError, match='3 rows, and 2 inclinations'):
        LaserCalibration(np.eye(4), np.zeros(2), 0, 0).points(ranges)


@pytest.fixture(scope='module')
def segment(waymo_world):
    """Folder of the written segment, its cameras, drive and LiDAR truth."""
    return waymo_world[1:]


@pytest.fixture(scope='module')
def converted(waymo_world):
    return waymo_world[0]


def dataset(root, **kwargs):
    return WaymoSurroundDataset(data_root=str(root), pipeline=kwargs.pop('pipeline', []), **kwargs)


def test_images_are_the_published_bytes_with_their_own_poses(converted, segment):
    _, cameras, drive, _ = segment
    frames = dataset(converted)
    assert [frames.get_data_info(i)['frame_id'] for i in range(2)] == [
        f'training/{SEGMENT}/0000',
        f'training/{SEGMENT}/0001',
    ]
    for number, moment in enumerate(drive):
        info = frames.get_data_info(number)
        for n, name in enumerate(WaymoSurroundDataset.CAMERAS):
            place = list(AZIMUTHS).index(name)
            shot = moment.shots[place]
            with open(info['img_path'][n], 'rb') as file:
                assert file.read() == encode(shot.image)
            assert info['stated_sizes'][n] == cameras[place].size
            np.testing.assert_allclose(info['cam2img'][n], cameras[place].cam2img, atol=1e-9)
            np.testing.assert_allclose(info['cam2ego'][n], cameras[place].cam2ego, atol=1e-6)
            # Poses are float32 in Waymo's files: half a millimetre at 5 km from the origin.
            np.testing.assert_allclose(info['ori_cam2world'][n], shot.cam2world, atol=1e-3)


def test_ground_truth_is_the_worlds(converted, segment):
    """In rectified views, against points projected as by a pinhole and, into the published images, by OpenCV."""
    _, cameras, drive, truths = segment
    frames = dataset(converted, pipeline=[dict(type='mmdet3d.LoadSurroundImages'), dict(type='mmdet3d.RectifyViews')])
    for number, (moment, in_world) in enumerate(zip(drive, truths)):
        assert [lens.coefficients for lens in frames.get_data_info(number)['lenses']] == [LENS] * 5
        pixels, _, sizes = frames.lidar_pixels(number)
        for n, name in enumerate(WaymoSurroundDataset.CAMERAS):
            place = list(AZIMUTHS).index(name)
            camera, shot = cameras[place], moment.shots[place]
            height, width = camera.size
            world2cam = np.linalg.inv(shot.cam2world)
            points = in_world @ world2cam[:3, :3].T + world2cam[:3, 3]
            points = points[(points[:, 2] > 0) & (np.abs(points[:, 0]) < points[:, 2])]
            at = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.cam2img, np.array(LENS))[0][:, 0]
            uv = points @ camera.cam2img.T
            uv = uv[:, :2] / uv[:, 2:]
            inside = ((at > 0) & (at < [width, height]) & (uv >= 0) & (uv < [width, height])).all(1)
            mine = pixels.camera == n
            assert mine.sum() > 60
            # Poses are float32: some points fall into the next pixel.
            assert abs(inside.sum() - mine.sum()) <= 1
            truth = set(map(tuple, uv[inside].astype(int).tolist()))
            found = set(zip(pixels.u[mine].tolist(), pixels.v[mine].tolist()))
            assert len(truth & found) > 0.95 * len(truth | found)
            known = np.sort(points[inside, 2])
            nearest = known[np.abs(known[:, None] - pixels.z[mine]).argmin(0)]
            assert np.abs(nearest - pixels.z[mine]).max() < 0.003
            u, v = at[inside].astype(int).T
            rendered = shot.depth[v, u]
            error = np.abs(points[inside, 2] / rendered - 1)[rendered > 0]
            assert np.median(error) < 0.01


def test_what_is_there_is_kept_and_another_step_refused(segment, tmp_path):
    source = segment[0]
    convert_waymo(source, tmp_path, ['training'], every=2)
    scene = tmp_path / f'training/{SEGMENT}/scene.json'
    assert len(dataset(tmp_path)) == 1 and len(list(scene.parent.glob('rgb/FRONT/*'))) == 1
    before = scene.stat().st_mtime_ns
    convert_waymo(source, tmp_path, ['training'], every=2)
    assert scene.stat().st_mtime_ns == before
    with pytest.raises(ValueError, match='was converted with every=2: use another folder'):
        convert_waymo(source, tmp_path, ['training'])
    with pytest.raises(FileNotFoundError, match='validation/camera_image holds no .parquet file'):
        convert_waymo(source, tmp_path)
    with pytest.raises(ValueError, match='splits are'):
        convert_waymo(source, tmp_path, ['train'])
    scene.write_text('{"metadata"')
    with pytest.raises(ValueError, match='scene.json is cut or no JSON'):
        convert_waymo(source, tmp_path, ['training'], every=2)


@pytest.mark.parametrize(
    'component', ['camera_calibration', 'camera_image', 'lidar', 'lidar_calibration', 'lidar_pose']
)
def test_absent_and_cut_components_are_named_and_leave_nothing(segment, tmp_path, component):
    source = shutil.copytree(segment[0], tmp_path / 'source')
    file = source / 'training' / component / f'{SEGMENT}.parquet'
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f'{component}/{SEGMENT}.parquet is cut or no .parquet file'):
        convert_waymo(source, tmp_path / 'out', ['training'])
    if component != 'camera_image':  # Segments are listed by it.
        file.unlink()
        with pytest.raises(FileNotFoundError, match=f'{component}/{SEGMENT}.parquet'):
            convert_waymo(source, tmp_path / 'out', ['training'])
    assert not list((tmp_path / 'out').glob('training/*'))


def test_frames_that_lack_an_image_are_left_out(segment, tmp_path, logged):
    import pyarrow.parquet as pq

    source = shutil.copytree(segment[0], tmp_path / 'source')
    file = source / 'training/camera_image' / f'{SEGMENT}.parquet'
    pq.write_table(pq.read_table(file).slice(0, 8), file)
    convert_waymo(source, tmp_path / 'out', ['training'])
    assert len(dataset(tmp_path / 'out')) == 1
    assert '1 of 2 frames lack an image or the LiDAR' in ' '.join(logged)


def test_an_unknown_camera_and_a_silent_lidar(segment, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = shutil.copytree(segment[0], tmp_path / 'source')
    file = source / 'training/lidar' / f'{SEGMENT}.parquet'
    table = pq.read_table(file)
    name = '[LiDARComponent].range_image_return1.values'
    values = [
        None if number == 2 else row
        for number, row in zip(table['key.laser_name'].to_pylist(), table[name].to_pylist())
    ]
    pq.write_table(
        table.set_column(table.schema.get_field_index(name), name, pa.array(values, table[name].type)), file
    )
    convert_waymo(source, tmp_path / 'silent', ['training'])
    clouds = [len(np.load(path)['data']) for path in sorted((tmp_path / 'silent').rglob('*.npz'))]
    assert clouds == [int((np.array(row) > 0).sum()) for row in top_ranges(table, name)]

    file = source / 'training/camera_calibration' / f'{SEGMENT}.parquet'
    table = pq.read_table(file)
    numbers = pa.array([0, 2, 3, 4, 5], pa.int8())
    pq.write_table(table.set_column(table.schema.get_field_index('key.camera_name'), 'key.camera_name', numbers), file)
    with pytest.raises(ValueError, match='has a camera 0, known are'):
        convert_waymo(source, tmp_path / 'unknown', ['training'])


def top_ranges(table, name):
    """Ranges of the top LiDAR, frame by frame."""
    rows = zip(table['key.laser_name'].to_pylist(), table[name].to_pylist())
    return [row[::4] for number, row in rows if number == 1]


def test_real_vehicle_poses_are_read(sample_data):
    """The schema is not ours: a component as published."""
    pytest.importorskip('pyarrow')
    folder = sample_data / 'other_rigs/waymo_pvps/v2_parquet'
    (file,) = (folder / 'vehicle_pose').glob('*.parquet')
    rows = list(
        Segment(folder, file.stem, 1).rows(
            'vehicle_pose', 'VehiclePoseComponent', 'key.frame_timestamp_micros', 'world_from_vehicle.transform'
        )
    )
    times = [row['key.frame_timestamp_micros'].as_py() for row in rows]
    assert len(rows) == 199 and np.diff(times).min() > 90_000
    first = to_matrix(rows[0]['world_from_vehicle.transform'])
    np.testing.assert_allclose(first[:3, 3], [860.594788, 15568.674805, -651.440979], atol=1e-5)
    np.testing.assert_allclose(first[:3, :3] @ first[:3, :3].T, np.eye(3), atol=1e-6)


@pytest.fixture
def real_frame(sample_data, tmp_path):
    """The real frame of five cameras, with a cloud of ours: its LiDAR is empty."""
    pytest.importorskip('pyarrow')
    folder = sample_data / 'other_rigs/waymo_pvps/extracted'
    meta = json.loads((folder / 'meta.json').read_text())
    cameras = [meta['cameras'][name] for name in NAMES]
    K, lenses = [], []
    for camera in cameras:
        fx, fy, cx, cy, *lens = camera['intrinsic_fu_fv_cu_cv_k1_k2_p1_p2_k3']
        K.append(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]))
        lenses.append(lens)
    extrinsics = [np.reshape(camera['extrinsic_vehicle_from_camera'], (4, 4)) for camera in cameras]
    jpegs = [(folder / f'{name}.jpg').read_bytes() for name in NAMES]
    poses = [np.reshape(camera['image_pose'], (4, 4)) for camera in cameras]
    files, time = SegmentFiles(tmp_path / 'source', meta['context_name']), meta['timestamp_micros']
    write_cameras(
        files,
        NAMES,
        K,
        lenses,
        [extrinsic @ AXES for extrinsic in extrinsics],
        [(camera['height'], camera['width']) for camera in cameras],
        [time],
        [jpegs],
        [poses],
    )
    ego2world = np.reshape(meta['vehicle_pose'], (4, 4))
    # A cylinder of 12 m around the vehicle's origin.
    inclinations = np.linspace(-0.3, 0.2, 40)
    ranges = np.tile(12 / np.cos(inclinations[::-1, None]), (1, 900))
    angle = np.arctan2(ego2world[2, 1], ego2world[2, 2]), np.arcsin(-ego2world[2, 0])
    pixel = [*angle, np.arctan2(ego2world[1, 0], ego2world[0, 0]), *ego2world[:3, 3]]
    lasers = {1: (np.eye(4), inclinations.tolist(), -0.3, 0.2)}
    write_lidar(files, [time], lasers, [{1: ranges}], [np.tile(pixel, (40, 900, 1))])
    write_vehicle_poses(files, [time], [ego2world])
    convert_waymo(tmp_path / 'source', tmp_path / 'out', ['training'])
    return tmp_path / 'out', meta, K, lenses, extrinsics, poses, ego2world


def test_real_frame_keeps_lenses_poses_and_images(real_frame, sample_data):
    out, meta, K, lenses, extrinsics, poses, ego2world = real_frame
    (scene,) = out.glob('training/*/scene.json')
    calibration = json.loads((scene.parent / 'calibration/rig.json').read_text())
    for n, name in enumerate(NAMES):
        stated = calibration['intrinsics'][calibration['names'].index(name)]
        assert [stated[key] for key in ('k1', 'k2', 'p1', 'p2', 'k3')] == lenses[n] and any(lenses[n])
        (image,) = scene.parent.glob(f'rgb/{name}/*.jpg')
        assert image.read_bytes() == (sample_data / f'other_rigs/waymo_pvps/extracted/{name}.jpg').read_bytes()
        assert cv2.imread(str(image)).shape[:2] == (meta['cameras'][name]['height'], meta['cameras'][name]['width'])
    # The cylinder, on which float32 poses 50 km out leave 4 mm.
    (cloud,) = scene.parent.glob('point_cloud/LIDAR/*.npz')
    with np.load(cloud) as archive:
        points = archive['data']
    assert points.shape == (40 * 900, 3) and points.dtype == np.float32
    np.testing.assert_allclose(np.hypot(points[:, 0], points[:, 1]), 12, atol=0.01)

    # In the config's views every point is on the cylinder, and in the published image by OpenCV's formula.
    views = Config.fromfile(Path(__file__).parents[2] / 'configs/fsmde_sup_waymo.py').all_views
    frames = dataset(
        out,
        pipeline=[
            dict(type='mmdet3d.LoadSurroundImages'),
            dict(type='mmdet3d.LoadSurroundLidar'),
            dict(type='mmdet3d.RectifyViews', views=views),
        ],
    )
    pixels, _, sizes = frames.lidar_pixels(0)
    data = frames.prepare_data(0)
    assert sizes.tolist() == [[1248, 1920]] * 5 and (np.bincount(pixels.camera) > 500).all()
    for n, name in enumerate(WaymoSurroundDataset.CAMERAS):
        mine = pixels.camera == n
        rays = np.stack([pixels.u[mine] + 0.5, pixels.v[mine] + 0.5, np.ones(mine.sum())], 1)
        rays = rays @ np.linalg.inv(data['ori_cam2img'][n]).T
        found = rays * pixels.z[mine, None] @ data['cam2ego'][n, :3, :3].T + data['cam2ego'][n, :3, 3]
        # The car moves little between the two times of this frame; half a pixel is 3 mm at 12 m.
        np.testing.assert_allclose(np.hypot(found[:, 0], found[:, 1]), 12, atol=0.02)
        place = NAMES.index(name)
        camera = np.linalg.inv(poses[place] @ extrinsics[place] @ AXES) @ ego2world
        in_camera = points[pixels.index[mine]] @ camera[:3, :3].T + camera[:3, 3]
        at = cv2.projectPoints(in_camera, np.zeros(3), np.zeros(3), K[place], np.array(lenses[place]))[0][:, 0]
        width, height = meta['cameras'][name]['width'], meta['cameras'][name]['height']
        assert ((at >= 0) & (at <= [width, height])).all()
        np.testing.assert_allclose(in_camera[:, 2], pixels.z[mine], rtol=1e-5)
