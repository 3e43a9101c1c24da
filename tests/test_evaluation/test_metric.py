import numpy as np
import pytest

from fsmde.evaluation import SurroundDepthMetric

from .frames import META, frame, points, random_frame


def evaluate(frames, **kwargs):
    metric = SurroundDepthMetric(**kwargs)
    metric.dataset_meta = META
    metric.process(None, frames)
    return metric.evaluate(len(frames))


def test_constant_prediction_of_a_constant_wall():
    wall = points([0, 0, 1, 2], [1, 2, 3, 4], [1, 2, 3, 4], [10] * 4)
    result = evaluate([frame(np.full((3, 4, 6), 12.5), wall)])
    assert result['depth/abs_rel'] == 0.25
    assert result['depth/sq_rel'] == 0.625
    assert result['depth/rmse'] == 2.5
    assert result['depth/rmse_log'] == pytest.approx(np.log(1.25), abs=1e-15)
    assert result['depth/silog'] == pytest.approx(0, abs=1e-6)
    assert (result['depth/d1'], result['depth/d2']) == (0, 1)
    assert result['depth/median/abs_rel'] == 0
    assert result['depth/CAMERA_05/abs_rel'] == 0.25


def test_images_count_equally_whatever_their_pixels():
    # Camera 0: frame 0 errs by 10 % in one pixel, frame 1 by 30 % in three; camera 1 by 50 % in one.
    pred = lambda a, b: np.stack([np.full((4, 6), a), np.full((4, 6), b), np.full((4, 6), 1.0)])
    frames = [
        frame(pred(11, 15), points([0, 1], [0, 0], [0, 0], [10, 10]), 0),
        frame(pred(13, 99), points([0, 0, 0], [0, 1, 2], [0, 0, 0], [10] * 3), 1),
    ]
    result = evaluate(frames)
    assert result['depth/CAMERA_01/abs_rel'] == pytest.approx(0.2)  # not (0.1 + 3 * 0.3) / 4
    assert result['depth/CAMERA_05/abs_rel'] == pytest.approx(0.5)
    assert np.isnan(result['depth/CAMERA_06/abs_rel'])
    assert result['depth/abs_rel'] == pytest.approx(0.35)


def test_a_frame_without_points_and_a_rig_of_one_camera():
    both = ('occlusion_tested', 'cylinderdepth')
    empty = frame(np.full((3, 4, 6), 10.0), points([], [], [], []), 0)
    full = frame(np.full((3, 4, 6), 11.0), points([0], [0], [0], [10]), 1)
    result = evaluate([empty, full], protocol=['fsmde', 'vfdepth'], consistency=both)
    assert result['depth/abs_rel'] == pytest.approx(0.1)
    metric = SurroundDepthMetric(consistency=both)
    metric.dataset_meta = dict(META, cam_names=('CAMERA_01',))
    metric.process(None, [frame(np.full((1, 4, 6), 11.0), points([0], [0], [0], [10]), n) for n in range(4)])
    assert metric.evaluate(4)['depth/abs_rel'] == pytest.approx(0.1)


def test_two_protocols_that_pool_keep_their_own_pixels():
    other = dict(name='other', averaging='group', group_size=2, max_depth=dict(hand_made=20.0))
    frames = [random_frame(seed) for seed in range(4)]
    both = evaluate(frames, protocol=['vfdepth', other])
    alone = evaluate(frames, protocol=other)
    assert both['depth/median/abs_rel'] == evaluate(frames, protocol='vfdepth')['depth/median/abs_rel']
    assert both['depth/other/median/abs_rel'] == alone['depth/median/abs_rel'] != both['depth/median/abs_rel']


def test_a_pipeline_without_lidar_pixels_is_named():
    sample = frame(np.ones((3, 4, 6)), points([0], [0], [0], [10]))
    del sample['lidar_pixels']
    with pytest.raises(KeyError, match='put KeepLidarPixels into the test pipeline'):
        evaluate([sample])


@pytest.mark.parametrize(
    'kwargs',
    [{}, dict(modes=['median']), dict(protocol=['fsmde', 'surrounddepth'], consistency=())],
    ids=['default', 'median', 'two_protocols'],
)
def test_names_of_figures_are_those_of_an_evaluation(kwargs):
    names = SurroundDepthMetric(**kwargs).names_of_figures(META)
    assert sorted(names) == sorted(evaluate([random_frame(seed) for seed in range(2)], **kwargs))


def test_a_detectors_data_set_is_named():
    metric = SurroundDepthMetric()
    metric.dataset_meta = dict(classes=['car'])
    with pytest.raises(ValueError, match='states no cam_names. Of a .*eval_predictions.py compares them'):
        metric.process(None, [{}])
