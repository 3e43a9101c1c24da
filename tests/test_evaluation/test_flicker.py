"""A wall 20 m ahead, a car that drives 1 m towards it from frame to frame, and what else may happen."""

import pickle

import numpy as np
import pytest
import torch

from fsmde.datasets import DDADDataset, NuScenesSurroundDataset
from fsmde.evaluation import SurroundDepthMetric
from fsmde.evaluation.flicker import flicker_sums
from fsmde.evaluation.spool import read_spooled

from .frames import META, frame, look, points

SIZE = (61, 61)


def drive(index, scale=1.0, z=None, scene='a', **more):
    """The frame ``index`` metres along the road, 40 km out; its camera looks ahead and predicts ``scale`` z.

    The middle pixel's ray is the optical axis. With ``z`` there is one LiDAR point only, there and at this depth.
    """
    depth = 20.0 - index if z is None else z
    v, u = ([30], [30]) if z else (x.ravel() for x in np.mgrid[: SIZE[0], : SIZE[1]])
    pose = look(0, (40000.0 + index, -20000.0, 1.5))
    pixels = points(np.zeros(len(u)), u, v, np.full(len(u), depth))
    pred = np.full((1, *SIZE), scale * depth)
    return frame(pred, pixels, index, scene, SIZE, azimuths=[0], **dict(dict(ori_cam2world=pose[None]), **more))


def flicker(frames, batch=2):
    metric = SurroundDepthMetric(flicker=True)
    metric.dataset_meta = dict(META, cam_names=('CAMERA_01',))
    for start in range(0, len(frames), batch):
        metric.process(None, frames[start : start + batch])
    short = metric.evaluate(len(frames))
    entry = metric.results_dict['flicker']
    assert repr(short.get('depth/flicker/abs_log')) == repr(entry.get('overall', {}).get('abs_log'))
    return entry


def test_true_depth_of_a_static_world_does_not_flicker():
    entry = flicker([drive(0), drive(1), drive(2)])
    assert entry['frames'] == 2
    assert entry['overall']['abs_log'] == pytest.approx(0, abs=1e-6)
    assert entry['overall']['abs_rel'] == pytest.approx(0, abs=1e-6)
    # A pixel is 0.6 m wide on the wall, and a point counts with another within 0.4 m.
    assert entry['overall']['points'] > 0.8 * 2 * 61 * 61


def test_every_second_frame_ten_percent_farther():
    frames = [drive(0, z=20.0), drive(1, 1.1, z=19.0), drive(2, z=18.0)]
    entry = flicker(frames)
    # First 19 * 1.1 against 19; then, from 20.9 moved by 1 m, 18 against 19.9.
    assert entry['overall']['abs_log'] == pytest.approx((np.log(1.1) + np.log(19.9 / 18)) / 2, abs=1e-6)
    assert entry['overall']['abs_rel'] == pytest.approx((0.1 + 1 - 18 / 19.9) / 2, abs=1e-6)
    assert entry['cameras']['CAMERA_01']['points'] == 2
    standing = [dict(f, ori_cam2world=frames[0]['ori_cam2world']) for f in (frames[0], drive(1, 1.1, z=20.0))]
    assert flicker(standing)['overall']['abs_log'] == pytest.approx(np.log(1.1), abs=1e-6)


def test_what_moves_does_not_count():
    # A car ahead as fast as ours stays at 20 m; had it stood, it would be at 19 m.
    entry = flicker([drive(0, z=20.0), drive(1, 1.5, z=20.0)])
    assert entry['frames'] == 1 and entry['overall']['points'] == 0
    assert np.isnan(entry['overall']['abs_log'])


def test_a_frame_without_predecessor_is_skipped():
    assert flicker([drive(0), drive(2)]) == {}
    assert flicker([drive(0), drive(1, scene='b')]) == {}
    assert flicker([drive(0), drive(1), drive(2, scene='b'), drive(3, scene='b')])['frames'] == 2


def test_order_batches_and_repeated_frames_leave_no_trace():
    frames = [drive(n, 1 + 0.03 * (n * 7 % 5)) for n in range(6)]
    expected = flicker(frames)
    assert 0.01 < expected['overall']['abs_log'] < 0.2
    for order in ([5, 3, 1, 0, 2, 4], [0, 2, 4, 1, 3, 5, 0, 1]):
        assert flicker([frames[n] for n in order], batch=3) == expected


def test_frames_without_points_and_predictions_that_are_not_finite():
    empty = drive(1, pred_depth=drive(1)['pred_depth'] * np.nan, lidar_pixels=points([], [], [], []), lidar_visible=[])
    entry = flicker([drive(0), empty, drive(2)])
    assert entry['frames'] == 2 and entry['overall']['points'] == 0
    # NaN counts as the far end of the range, 100 m.
    entry = flicker([drive(0, z=20.0), drive(1, np.nan, z=19.0)])
    assert entry['overall']['abs_log'] == pytest.approx(np.log(100 / 19), abs=1e-6)


def test_a_data_set_without_poses_is_named():
    sample = drive(0)
    del sample['ori_cam2world']
    with pytest.raises(KeyError, match='a/0000 has no ori_cam2world'):
        flicker([sample])


def test_poses_of_ddad(toy_dgp):
    dataset = DDADDataset(data_root=str(toy_dgp), pipeline=[])
    poses = np.stack([dataset.get_data_info(n)['ori_cam2world'] for n in range(2)])
    assert poses.dtype == np.float64 and poses.shape == (2, 6, 4, 4)
    np.testing.assert_array_equal(poses[1, :, :3, 3] - poses[0, :, :3, 3], [[1, 0, 0]] * 6)
    np.testing.assert_allclose(poses[0, :, :3, :3], dataset.get_data_info(0)['cam2ego'][:, :3, :3], atol=1e-12)


def test_real_frames_find_the_same_places_again(sample_data):
    transforms = ('LoadSurroundImages', 'LoadSurroundLidar', 'KeepLidarPixels', 'PackSurroundInputs')
    pipeline = [dict(type=f'mmdet3d.{name}') for name in transforms]
    dataset = DDADDataset(data_root=str(sample_data / 'ddad_sample'), split='val', test_mode=True, pipeline=pipeline)
    metric = SurroundDepthMetric(protocol=[], consistency=(), flicker=True)
    metric.dataset_meta = dataset.metainfo
    for index in range(2):
        sample = dataset[index]['data_samples'].to_dict()
        metric.process(None, [dict(sample, pred_depth=torch.full((6, 24, 40), 10.0))])
    before, now = (read_spooled(row.seen) for row in metric.results)
    count = lambda *poses: flicker_sums(*(dict(f, cam2world=p) for f, p in zip((before, now), poses)))[:, 0].sum()
    right = count(before['cam2world'], now['cam2world'])
    assert right > 0.75 * len(now['z'])
    # 1.3 m the wrong way: the ground looks the same everywhere, what stands on it does not.
    assert count(now['cam2world'], before['cam2world']) < 0.75 * right


def test_poses_of_nuscenes(sample_data):
    root = sample_data / 'nuscenes_sample'
    dataset = NuScenesSurroundDataset('nuscenes_infos_val.pkl', data_root=str(root), pipeline=[])
    poses = dataset.get_data_info(0)['ori_cam2world']
    info = pickle.loads((root / 'nuscenes_infos_val.pkl').read_bytes())['data_list'][0]
    # The car drove between the key frame's time and the cameras': under half a metre in a twentieth of a second.
    at_key_frame = np.array(info['ego2global']) @ dataset.get_data_info(0)['cam2ego']
    assert np.abs(poses - at_key_frame)[:, :3, 3].max() < 0.6
    assert np.abs(poses - at_key_frame)[:, :3, :3].max() < 0.02
