import numpy as np
import pytest

from fsmde.evaluation import SurroundDepthMetric
from fsmde.evaluation.consistency import adjacent_pairs, consistency_sums, cylinderdepth_sums, hidden_points
from fsmde.evaluation.functional import metrics_from_sums
from fsmde.evaluation.ground_truth import TruthPixels
from fsmde.rig import CameraRig, project_points

from .frames import META, frame, look, random_frame
from .reference import depth_map, errors, scatter_down

SIZE = (60, 90)
AZIMUTHS = (0, 40, 80)


def ball(radius=10.0, scales=(1, 1, 1), num_points=3000, **kwargs):
    """Three cameras and the LiDAR in the middle of a ball; camera n predicts ``scales[n]`` times the right depth."""
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(num_points, 3))
    cloud *= radius / np.linalg.norm(cloud, axis=1, keepdims=True)
    H, W = SIZE
    K = np.stack([np.array([[W / 2, 0, W / 2], [0, W / 2, H / 2], [0, 0, 1.0]])] * 3)
    cam2ego = np.stack([look(a) for a in AZIMUTHS])
    pixels = project_points(cloud, np.linalg.inv(cam2ego), K, [SIZE] * 3)
    u, v = np.meshgrid(np.arange(W) + 0.5, np.arange(H) + 0.5)
    length = np.sqrt(((u - W / 2) / (W / 2)) ** 2 + ((v - H / 2) / (W / 2)) ** 2 + 1)
    pred = np.stack([s * radius / length for s in scales])
    return frame(pred, pixels, size=SIZE, azimuths=AZIMUTHS, **kwargs)


def evaluate(frames, **kwargs):
    metric = SurroundDepthMetric(**kwargs)
    metric.dataset_meta = META
    metric.process(None, frames)
    metric.evaluate(len(frames))
    return metric.results_dict['consistency']


def test_pairs_of_the_ring():
    names = tuple('abcd')
    rig = CameraRig(names, np.stack([np.eye(3)] * 4), np.stack([look(a) for a in (0, 90, 180, 270)]))
    assert adjacent_pairs(rig.neighbors).tolist() == [[0, 1], [0, 3], [1, 2], [2, 3]]
    assert adjacent_pairs([[1, 1], [0, 0]]).tolist() == [[0, 1]]
    assert adjacent_pairs([[-1, -1]]).shape == (0, 2)


def test_right_predictions_agree_and_a_wrong_scale_shows_in_its_pairs():
    entry = evaluate([ball()])['occlusion_tested']
    assert entry['overall']['abs_rel'] == pytest.approx(0, abs=1e-6)
    assert all(pair['points'] > 20 for pair in entry['pairs'].values())
    entry = evaluate([ball(scales=(1, 1.2, 1))])['occlusion_tested']
    pair = entry['pairs']['CAMERA_01-CAMERA_05']
    assert pair['abs_rel'] == pytest.approx((0.2 + 0.2 / 1.2) / 2, abs=1e-6)  # both directions
    assert pair['log_ratio'] == pytest.approx(np.log(1.2), abs=1e-6)
    assert entry['pairs']['CAMERA_05-CAMERA_06']['log_ratio'] == pytest.approx(-np.log(1.2), abs=1e-6)
    assert entry['pairs']['CAMERA_01-CAMERA_06']['abs_rel'] == pytest.approx(0, abs=1e-6)


def truth_of(u, v, z, camera=None, index=None, sizes=((10, 10),)):
    camera = np.zeros(len(z), int) if camera is None else np.array(camera)
    index = np.arange(len(z)) if index is None else np.array(index)
    return TruthPixels(camera, np.array(u), np.array(v), np.array(z, float), index, index > 0, np.array(sizes))


def test_hidden_behind_a_car_but_not_on_the_ground():
    focal = [1 / np.tan(np.deg2rad(1))]  # cells of one pixel
    assert hidden_points(truth_of([5, 5], [3, 4], [5, 20]), focal).tolist() == [
        False,
        True,
    ]  # below the edge of a roof
    assert hidden_points(truth_of([5, 4], [4, 3], [20, 5]), focal).tolist() == [True, False]
    assert hidden_points(truth_of([4, 5, 6], [4, 4, 4], [5, 20, 5]), focal).tolist() == [False, True, False]
    assert not hidden_points(truth_of([4, 5], [4, 4], [5, 20]), focal).any()  # beside it
    assert not hidden_points(truth_of([5, 5, 5], [3, 4, 5], [40, 20, 10]), focal).any()  # ground
    assert not hidden_points(truth_of([5, 5, 5], [3, 4, 5], [19, 20, 19]), focal).any()  # a rough wall
    assert not hidden_points(truth_of([0, 9], [0, 9], [5, 20]), focal).any()


def test_a_point_hidden_in_one_view_is_not_compared():
    focal = 1 / np.tan(np.deg2rad(1))
    K = np.stack([np.array([[focal, 0, 5], [0, focal, 5], [0, 0, 1]])] * 2)
    pose = np.stack([np.eye(4)] * 2)
    pred = np.full((2, 10, 10), 20.0)
    # Point 7 is seen by both; in camera 1 points 8 and 9 lie before it.
    seen = truth_of([5, 5], [4, 4], [20, 20], [0, 1], [7, 7], ((10, 10),) * 2)
    hidden = truth_of([5, 5, 5, 5], [4, 4, 3, 5], [20, 20, 5, 5], [0, 1, 1, 1], [7, 7, 8, 9], ((10, 10),) * 2)
    count = lambda truth: consistency_sums(truth, pred, (0.1, 100), [[0, 1]], K, pose)[0, :, 0].tolist()
    assert count(seen) == [1, 1]
    assert count(hidden) == [0, 0]


def test_motion_between_the_cameras_times_is_no_inconsistency():
    # The second camera fired when the car was 1 m ahead: what was at 10 m is at 9 m, and lidar2cam knows.
    K = np.stack([np.array([[50.0, 0, 5], [0, 50, 5], [0, 0, 1]])] * 2)
    lidar2cam = np.stack([np.eye(4)] * 2)
    lidar2cam[1, 2, 3] = -1
    pred = np.stack([np.full((10, 10), 10.0), np.full((10, 10), 9.0)])
    truth = truth_of([5, 5], [5, 5], [10, 9], [0, 1], [0, 0], ((10, 10),) * 2)
    sums = consistency_sums(truth, pred, (0.1, 100), [[0, 1]], K, lidar2cam)
    assert sums[0, 0, 1] == pytest.approx(0, abs=1e-4)


def vehicle_distance(T, K, v, u, depth):
    return np.linalg.norm((T @ [*(np.linalg.inv(K) @ [u, v, 1] * depth), 1])[:3])


def cylinder_reference(samples):
    """CylinderDepth's figure pixel by pixel: all frames pooled."""
    own, other = [[], [], []], [[], [], []]
    for sample in samples:
        pred = np.clip(sample['pred_depth'].double().numpy(), 0, 100)
        N, h, w = pred.shape
        gt, T, K = scatter_down(depth_map(sample, 'last', False), h, w), sample['cam2ego'], sample['cam2img']
        for n, v, u in np.argwhere(gt > 0):
            point = T[n] @ [*(np.linalg.inv(K[n]) @ [u, v, 1] * gt[n, v, u]), 1]
            total = []
            for m in sample['neighbors'][n]:
                x, y, z = K[m] @ (np.linalg.inv(T[m]) @ point)[:3]
                column, row = round(x / (z + 1e-7)), round(y / (z + 1e-7))
                if 0 <= column < w and 0 <= row < h:
                    total.append(vehicle_distance(T[m], K[m], row, column, pred[m, row, column]))
            if total:
                own[n].append(vehicle_distance(T[n], K[n], v, u, pred[n, v, u]))
                other[n].append(sum(total))
    return np.mean([errors(g, p) for g, p in zip(own, other)], 0)


def test_cylinderdepth_slow_reference():
    frames = [random_frame(seed, azimuths=AZIMUTHS, num_points=150) for seed in range(4)]
    entry = evaluate(frames, consistency=('cylinderdepth',))['cylinderdepth']
    expected = cylinder_reference(frames)
    names = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'silog', 'd1', 'd2', 'd3')
    np.testing.assert_allclose([entry['overall'][n] for n in names], expected, rtol=1e-9)


def test_cylinderdepth_counts_what_both_neighbours_see_twice():
    sample = ball()
    sums = cylinderdepth_sums(
        sample['lidar_pixels'],
        sample['ori_shape'],
        SIZE,
        sample['pred_depth'].numpy(),
        100.0,
        sample['neighbors'],
        sample['ori_cam2img'],
        sample['cam2ego'],
    )
    # The middle camera's left part is seen by one neighbour, its right part by the other, a strip by both: AbsRel of
    # perfectly consistent predictions is the share of points that both see.
    abs_rel = metrics_from_sums(sums)[:, 0]
    assert 0.02 < abs_rel[1] < 0.9
    assert evaluate([ball()])['occlusion_tested']['overall']['abs_rel'] < 1e-6


def test_frames_of_two_rigs_have_no_common_pairs(logged):
    other = dict(ball(), sample_idx=1, frame_id='a/0001', neighbors=np.array([[1, -1], [-1, 0], [-1, -1]]))
    assert evaluate([ball(), other]) == {}
    assert any('frames a/0000 and a/0001 have other adjacent cameras' in line for line in logged)
