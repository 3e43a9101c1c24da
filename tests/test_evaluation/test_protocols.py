"""Each protocol: a closed form, and an independent slow reference."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fsmde.evaluation import PROTOCOLS, Protocol, SurroundDepthMetric, get_protocol

from . import reference
from .frames import META, frame, points, random_frame

MODES = ('metric', 'median', 'shared_median', 'affine')


def evaluate(frames, meta=META, **kwargs):
    metric = SurroundDepthMetric(**kwargs)
    metric.dataset_meta = meta
    metric.process(None, frames)
    metric.evaluate(len(frames))
    return metric.results_dict


def overall(results, name, mode):
    figures = results['protocols'][name]['modes'][mode]['overall']['all']
    return [figures[metric] for metric in reference.NAMES]


def test_what_each_protocol_fixes():
    surrounddepth, vfdepth, fsmde = (PROTOCOLS[name] for name in ('surrounddepth', 'vfdepth', 'fsmde'))
    assert (surrounddepth.resolution, vfdepth.resolution, fsmde.resolution) == ('full', 'input', 'full')
    assert (surrounddepth.mask, vfdepth.mask, fsmde.mask) == (False, True, True)
    assert surrounddepth.range_for(dict(dataset='ddad')) == (0.1, 200)
    assert vfdepth.range_for(dict(dataset='nuscenes')) == (0, 80)
    assert surrounddepth.flip_augmentation and not vfdepth.flip_augmentation and not fsmde.flip_augmentation


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('name', ['surrounddepth', 'fsmde'])
def test_slow_reference_per_image(name, mode):
    frames = [random_frame(seed) for seed in range(3)]
    results = evaluate(frames, protocol=['surrounddepth', 'vfdepth', 'fsmde'], modes=MODES)
    how = dict(surrounddepth=('last', False), fsmde=('nearest', True))[name]
    expected = reference.per_image(frames, mode, 0.1, 100.0, *how)
    np.testing.assert_allclose(overall(results, name, mode), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize('mode', MODES)
def test_slow_reference_pooled(mode):
    # Scenes of 6 and 5 frames lose their ends: 7 are left, one group of four and three that are dropped.
    frames = [random_frame(seed, scene='ab'[seed > 5]) for seed in range(11)]
    protocol = replace(PROTOCOLS['vfdepth'], frames=dict(hand_made='inner'))
    results = evaluate(frames[::-1], protocol=protocol, modes=MODES)
    counted = frames[1:5]
    expected = reference.pooled(counted, mode, 0.0, 100.0, 4)
    np.testing.assert_allclose(overall(results, 'vfdepth', mode), expected, rtol=0, atol=1e-9)
    assert results['protocols']['vfdepth']['frames'] == 4
    assert results['protocols']['vfdepth']['frames_left_out'] == 7


def test_slow_reference_pooled_over_two_groups():
    frames = [random_frame(seed) for seed in range(9)]
    results = evaluate(frames, protocol='vfdepth', modes=MODES)
    for mode in MODES:
        expected = reference.pooled(frames, mode, 0.0, 100.0, 4)
        np.testing.assert_allclose(overall(results, 'vfdepth', mode), expected, rtol=0, atol=1e-9)


def test_averaging_orders_differ_as_the_protocols_say():
    # One camera. Frame 0: one pixel, error 40 %; frames 1 to 3: three pixels each, no error.
    one = lambda z, count: points([0] * count, [0, 2, 4][:count], [0] * count, [z] * count)
    frames = [frame(np.full((1, 8, 12), 14.0 if n == 0 else 10.0), one(10, 1 if n == 0 else 3), n) for n in range(4)]
    meta = dict(META, cam_names=('CAMERA_01',))
    results = evaluate(frames, meta, protocol=['surrounddepth', 'vfdepth', 'fsmde'], consistency=())
    assert overall(results, 'surrounddepth', 'metric')[0] == pytest.approx(0.4 / 4, abs=1e-12)
    assert overall(results, 'fsmde', 'metric')[0] == pytest.approx(0.4 / 4, abs=1e-12)
    assert overall(results, 'vfdepth', 'metric')[0] == pytest.approx(0.4 / 10, abs=1e-12)
    assert overall(results, 'surrounddepth', 'metric')[2] == pytest.approx(4 / 4, abs=1e-12)
    assert overall(results, 'vfdepth', 'metric')[2] == pytest.approx(np.sqrt(16 / 10), abs=1e-12)
    # Per image the median heals frame 0; pooled the lower median of nine tens and one fourteen is ten.
    assert overall(results, 'surrounddepth', 'median')[0] == pytest.approx(0, abs=1e-12)
    assert overall(results, 'vfdepth', 'median')[0] == pytest.approx(0.04, abs=1e-12)


def test_collision_mask_and_range_by_hand():
    # One pixel with a far point over a near one, one under the car, one too near, one too far.
    pixels = points([0] * 5, [0, 0, 3, 6, 9], [0] * 5, [10, 20, 10, 0.1, 100])
    sample = frame(np.full((1, 8, 12), 10.0), pixels, visible=[1, 1, 0, 1, 1])
    meta = dict(META, cam_names=('CAMERA_01',))
    results = evaluate([sample], meta, protocol=['surrounddepth', 'fsmde'], consistency=())
    assert overall(results, 'surrounddepth', 'metric')[0] == pytest.approx((10 / 20 + 0) / 2)  # last wins, no mask
    assert overall(results, 'fsmde', 'metric')[0] == 0  # nearest wins, masked
    counts = {
        name: entry['modes']['metric']['overall']['all']['pixels'] for name, entry in results['protocols'].items()
    }
    assert counts == dict(surrounddepth=2, fsmde=1)


def test_clamping_comes_after_the_median_in_surrounddepth_and_before_it_too_in_vfdepth():
    pixels = points([0] * 3, [0, 4, 8], [0] * 3, [10, 20, 40])
    pred = np.repeat([[200.0, 200.0, 400.0]], 8, 0).repeat(4, 1)[None]
    frames = [frame(pred, pixels, n, size=(8, 12)) for n in range(4)]
    meta = dict(META, cam_names=('CAMERA_01',))
    results = evaluate(frames, meta, protocol=['surrounddepth', 'vfdepth'], consistency=())
    # 200, 200, 400 times 20 / 200 = 20, 20, 40; clamped to 100 first all are 100, times 20 / 100 all are 20.
    assert overall(results, 'surrounddepth', 'median')[0] == pytest.approx((1 + 0 + 0) / 3)
    assert overall(results, 'vfdepth', 'median')[0] == pytest.approx((1 + 0 + 0.5) / 3)


def test_regions_by_hand():
    pixels = points([0, 0, 0, 1], [0, 4, 8, 0], [0] * 4, [10, 20, 60, 20], index=[0, 1, 2, 1])
    pred = np.stack([np.full((8, 12), 10.0), np.full((8, 12), 40.0)])
    meta = dict(META, cam_names=('A', 'B'))
    results = evaluate([frame(pred, pixels)], meta)
    regions = results['protocols']['fsmde']['modes']['metric']['cameras']['A']
    by_name = {name: (figures['pixels'], figures['abs_rel']) for name, figures in regions.items()}
    assert by_name['all'] == (3, pytest.approx((0 + 0.5 + 5 / 6) / 3))
    assert by_name['0-20'] == (1, 0)
    assert by_name['20-40'] == (1, 0.5)  # an interval has its near edge
    assert by_name['40-80'] == (1, pytest.approx(5 / 6))
    assert by_name['overlap'] == (1, 0.5)
    assert by_name['80-200'][0] == 0 and np.isnan(by_name['80-200'][1])


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_non_finite_predictions_are_counted_and_cost_the_worst(bad):
    pixels = points([0, 0], [0, 8], [0, 0], [10, 10])
    pred = np.full((1, 8, 12), 10.0)
    pred[0, 0, 0] = bad
    meta = dict(META, cam_names=('CAMERA_01',))
    results = evaluate([frame(pred, pixels)], meta, consistency=(), modes=MODES)
    for mode in MODES:
        figures = results['protocols']['fsmde']['modes'][mode]['overall']['all']
        assert figures['non_finite'] == 1
        assert figures['abs_rel'] == pytest.approx(9 / 2)  # (100 - 10) / 10 and 0
        assert figures['d1'] == 0.5


def test_dense_ground_truth():
    dense = np.full((3, 8, 12), 10.0, np.float32)
    dense[:, 0] = 0
    sample = frame(np.full((3, 4, 6), 11.0), points([0], [0], [0], [50]), dense_depth=dense)
    sample['valid_mask'][:, :, 0] = False
    results = evaluate([sample], protocol='fsmde_dense')
    figures = results['protocols']['fsmde_dense']['modes']['metric']['overall']['all']
    assert figures['abs_rel'] == pytest.approx(0.1)
    assert figures['pixels'] == 3 * 7 * 10
    with pytest.raises(KeyError, match='dense_depth'):
        evaluate([frame(np.ones((3, 4, 6)), points([0], [0], [0], [50]))], protocol='fsmde_dense')


class OnDevice(torch.Tensor):
    """A tensor that numpy cannot read, as those of a GPU."""

    def __array__(self, *_):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def test_a_networks_tensors_are_read_where_they_are():
    sample = frame(np.full((3, 4, 6), 11.0), points([0], [0], [0], [50]), dense_depth=np.full((3, 8, 12), 10.0))
    for key in ('pred_depth', 'valid_mask'):
        sample[key] = torch.as_tensor(sample[key]).as_subclass(OnDevice)
    with pytest.raises(TypeError):
        np.asarray(sample['valid_mask'])
    results = evaluate([sample], protocol=['fsmde_dense', 'fsmde'])
    assert results['protocols']['fsmde_dense']['modes']['metric']['overall']['all']['pixels'] == 3 * 8 * 12


def test_a_cap_of_metres_is_for_every_data_set():
    protocol = get_protocol(dict(name='mine', max_depth=50))
    for dataset in ('ddad', 'nuscenes', 'unheard_of'):
        assert protocol.range_for(dict(dataset=dataset, max_depth=80.0)) == (0.1, 50.0)


def test_users_mistakes():
    with pytest.raises(KeyError, match='surrounddepth, vfdepth'):
        get_protocol('kitti')
    with pytest.raises(ValueError, match="averaging='image' takes group_size=1"):
        Protocol('mine', averaging='group')
    with pytest.raises(ValueError, match="collisions must be one of .*found 'first'"):
        Protocol('mine', collisions='first')
    with pytest.raises(ValueError, match="max_depth must be metres above min_depth, or such by data set, found '80'"):
        get_protocol(dict(name='mine', max_depth='80'))
    with pytest.raises(
        ValueError, match=r"a protocol has a name and some of \['resolution', .*found \['name', 'cap'\]"
    ):
        get_protocol(dict(name='mine', cap=80))
    with pytest.raises(KeyError, match='put max_depth'):
        PROTOCOLS['fsmde'].range_for(dict(dataset='unheard_of'))
    with pytest.raises(ValueError, match='distances must be ascending'):
        SurroundDepthMetric(distances=(0, 80, 20))
    with pytest.raises(ValueError, match='modes must be of'):
        SurroundDepthMetric(modes=('scaled',))
    with pytest.raises(ValueError, match='differ by name'):
        SurroundDepthMetric(protocol=['fsmde', 'fsmde'])
