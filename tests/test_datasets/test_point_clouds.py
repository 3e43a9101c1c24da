"""LiDAR files that are not what the index says, made of real sweeps where those are there."""

import logging

import numpy as np
import pytest
from mmengine.logging import MMLogger

from fsmde.datasets.transforms.point_clouds import column_fault, load_points
from toy_dgp import cylinder_points


def real_clouds(sample_data):
    """(P, D) float32 of three LiDARs: 5 columns of nuScenes, 4 of DDAD's and of KITTI's."""
    nuscenes = next((sample_data / 'nuscenes_sample/samples/LIDAR_TOP').iterdir())
    ddad = sorted((sample_data / 'ddad_sample/scene_02/point_cloud/LIDAR').iterdir())[0]
    kitti = sorted((sample_data / 'other_rigs/kitti_raw_sfnd').rglob('*.bin'))[0]
    return [
        np.fromfile(nuscenes, np.float32).reshape(-1, 5),
        np.load(ddad)['data'].astype(np.float32),
        np.fromfile(kitti, np.float32).reshape(-1, 4),
    ]


def write(path, array):
    np.ascontiguousarray(array).tofile(path)
    return str(path)


def test_real_sweeps_are_read_as_they_are(tmp_path, sample_data):
    for points in real_clouds(sample_data):
        read = load_points(write(tmp_path / 'sweep.pcd.bin', points), points.shape[1])
        np.testing.assert_array_equal(read, points)


@pytest.mark.parametrize('size', [10_002, 10_004, 9_999])
def test_cut_sweeps(tmp_path, size):
    path = tmp_path / 'sweep.bin'
    path.write_bytes(bytes(size))
    with pytest.raises(
        ValueError, match=f'sweep.bin: {size} bytes are no whole number of points of 5 float32: .* is cut'
    ):
        load_points(str(path), 5)


@pytest.mark.parametrize('stated', [3, 4, 5, 6, 8])
@pytest.mark.parametrize('columns', [3, 4, 5, 6])
def test_other_columns_than_stated_are_named(tmp_path, sample_data, stated, columns):
    if stated == columns:
        return
    rng = np.random.default_rng(0)
    for points in [*real_clouds(sample_data), rng.permutation(real_clouds(sample_data)[0])]:
        # As Waymo's: intensity, elongation, and a flag that is -1.
        points = np.concatenate(
            [points[:, :5], rng.random((len(points), 6), np.float32), -np.ones((len(points), 1))], 1
        )
        points = np.concatenate([points[:, : columns - 1], points[:, -1:]], 1) if columns == 6 else points[:, :columns]
        points = points[: len(points) // stated * stated].astype(np.float32)
        with pytest.raises(
            ValueError, match=rf'{stated} columns are stated .*repeat every {columns}: points of {columns}'
        ):
            load_points(write(tmp_path / 'sweep.bin', points), stated)


def test_four_columns_where_there_are_five_would_have_been_another_depth(tmp_path, sample_data):
    """What the check is for: the wrong reading looks like a cloud, of another median distance."""
    points = real_clouds(sample_data)[0]
    points = points[: len(points) // 4 * 4]
    wrong = np.linalg.norm(points.reshape(-1, 4)[:, :3], axis=1)
    right = np.linalg.norm(points[:, :3], axis=1)
    assert np.isfinite(wrong).all() and wrong.max() < 1000 and np.median(wrong) > 1.3 * np.median(right)
    with pytest.raises(ValueError, match='num_pts_feats'):
        load_points(write(tmp_path / 'sweep.bin', points), 4)


def test_float64_in_place_of_float32(tmp_path, sample_data):
    for points in real_clouds(sample_data):
        with pytest.raises(ValueError, match='sweep.bin.*type'):
            load_points(write(tmp_path / 'sweep.bin', points.astype(np.float64)), points.shape[1])


def test_columns_stored_one_after_the_other(tmp_path, sample_data):
    for points in real_clouds(sample_data):
        with pytest.raises(
            ValueError, match='sweep.bin: . columns are stated .* its numbers (do not repeat at all|repeat every 8)'
        ):
            load_points(write(tmp_path / 'sweep.bin', points.T), points.shape[1])
        np.savez(tmp_path / 'cloud.npz', data=points.T)
        with pytest.raises(ValueError, match=rf'found \({points.shape[1]}, {len(points)}\): transposed'):
            load_points(str(tmp_path / 'cloud.npz'))


def test_few_points_conclude_nothing():
    assert column_fault(cylinder_points(100).astype(np.float32).reshape(-1, 5)) is None


@pytest.mark.parametrize('no_return', [0, np.nan])
def test_scans_that_are_mostly_without_return(sample_data, no_return):
    """As organised clouds have it: the upper rows, the first in the file, see the sky."""
    for points in real_clouds(sample_data):
        points = np.concatenate([np.full((9 * len(points), points.shape[1]), no_return, np.float32), points])
        assert column_fault(points) is None
        D = points.shape[1]
        wrong = points.reshape(-1)[: points.size // (D - 1) * (D - 1)].reshape(-1, D - 1)
        assert f'repeat every {D}' in column_fault(wrong)


def test_a_column_of_zeros(sample_data):
    for points in real_clouds(sample_data):
        points[:, -1] = 0
        assert column_fault(points) is None


@pytest.mark.parametrize('shape', [(50, 4), (50, 3), (50, 5)])
def test_an_archive_states_its_columns_itself(tmp_path, shape):
    np.savez(tmp_path / 'cloud.npz', data=np.ones(shape))
    assert load_points(str(tmp_path / 'cloud.npz')).shape == shape
    with pytest.raises(ValueError, match=r'\(points, 6\), found \(50,'):
        load_points(str(tmp_path / 'cloud.npz'), 6)


def test_columns_in_another_order(tmp_path):
    np.savez(tmp_path / 'cloud.npz', data=[[9.0, 1, 2, 3]])
    assert load_points(str(tmp_path / 'cloud.npz'), 4, [2, 1, 3]).tolist() == [[2, 1, 3, 9]]


@pytest.mark.parametrize('scale, share', [(1000, '100.0%'), (np.nan, None), (1e19, '100.0%')])
def test_other_units_and_other_frames(tmp_path, scale, share):
    np.savez(tmp_path / 'cloud.npz', data=cylinder_points() * scale)
    expected = f'cloud.npz: {share} of its finite points .* beyond 1000 m' if share else 'holds no finite point'
    with pytest.raises(ValueError, match=expected):
        load_points(str(tmp_path / 'cloud.npz'))


def test_stray_points_are_left_out_and_named_once_a_folder(tmp_path):
    points = cylinder_points(1000)
    points[:5, 0] = [np.nan, np.inf, 1e19, -5000, 1001]
    np.savez(tmp_path / 'cloud.npz', data=points)
    logger, messages, handler = MMLogger.get_current_instance(), [], logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger.addHandler(handler)
    try:
        for _ in range(2):
            read = load_points(str(tmp_path / 'cloud.npz'))
    finally:
        logger.removeHandler(handler)
    assert np.isnan(read[:5, :3]).all()
    np.testing.assert_array_equal(read[5:], points[5:])
    assert len(messages) == 1 and f'{tmp_path}/cloud.npz: 0.5% of the points' in messages[0]
    points[:11, 0] = 1001
    np.savez(tmp_path / 'cloud.npz', data=points)
    with pytest.raises(ValueError, match='1.1% of its finite points'):
        load_points(str(tmp_path / 'cloud.npz'))


@pytest.mark.parametrize('name', ['cloud.ply', 'cloud.pcd', 'cloud.npy', 'cloud'])
def test_other_formats_are_not_read_as_raw_numbers(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(160))
    with pytest.raises(ValueError, match=rf'{name}: LiDAR clouds are .npz .* .bin .* or .feather'):
        load_points(str(tmp_path / name), 4)


def test_absent_clouds(tmp_path):
    for name in ('cloud.npz', 'cloud.bin'):
        with pytest.raises(FileNotFoundError, match=name):
            load_points(str(tmp_path / name), 4)
