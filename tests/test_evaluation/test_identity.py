"""What a data set and a frame are: not their name, not their index."""

import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS
from mmengine.dataset import ConcatDataset
from mmengine.registry import init_default_scope

from fsmde.datasets import DDADDataset, NuScenesSurroundDataset
from fsmde.evaluation import PROTOCOLS, SurroundDepthMetric, ground_truth_depth
from fsmde.evaluation.protocols import CAMERAS, INPUT_SIZE, MAX_DEPTH, ROUNDING, differences, identity
from fsmde.evaluation.report import camera_table

from .frames import META, random_frame
from .test_real_frames import pipeline

DDAD = dict(dataset='ddad', cam_names=DDADDataset.CAMERAS, max_depth=200.0, rounding='truncate')


class NearDataset(DDADDataset):
    """As docs/data.md has it for a rig of one's own."""

    MAX_DEPTH = 20.0


def evaluate(frames, meta=META, **kwargs):
    metric = SurroundDepthMetric(**kwargs)
    metric.dataset_meta = meta
    metric.process(None, frames)
    short = metric.evaluate(len(frames))
    return metric.results_dict, short


@pytest.mark.parametrize('kind', [DDADDataset, NuScenesSurroundDataset])
def test_what_is_published_is_what_the_classes_state(kind):
    name = kind.METAINFO['dataset']
    assert (MAX_DEPTH[name], ROUNDING[name], set(CAMERAS[name])) == (kind.MAX_DEPTH, kind.ROUNDING, set(kind.CAMERAS))
    assert name in INPUT_SIZE


def test_a_data_set_is_the_published_one_only_if_all_agrees():
    assert identity(DDAD) == 'ddad' and differences(DDAD) == []
    assert identity(dict(DDAD, cam_names=DDADDataset.CAMERAS[::-1])) == 'ddad'
    # Means over a part of the cameras are in no table.
    (missing,) = differences(dict(DDAD, cam_names=DDADDataset.CAMERAS[2:]))
    assert missing == 'CAMERA_01, CAMERA_05 of ddad are missing'
    assert 'CAM_BACK_RIGHT of nuscenes are missing' in str(
        differences(dict(dataset='nuscenes', cam_names=['CAM_FRONT']))
    )
    assert differences(dict(dataset='ddad')) == []
    for key, value in (('max_depth', 20.0), ('rounding', 'floor'), ('cam_names', ['CAMERA_01', 'FRONT'])):
        assert identity(dict(DDAD, **{key: value})) is None
        assert str(value if key != 'cam_names' else 'FRONT') in differences(dict(DDAD, **{key: value}))[0]
    assert identity(META) == 'hand_made'


def test_a_subclass_is_evaluated_to_its_own_depth(sample_data):
    root = str(sample_data / 'ddad_sample')
    near = NearDataset(data_root=root, split='val', test_mode=True, pipeline=pipeline((192, 320)))
    for name in PROTOCOLS:
        assert PROTOCOLS[name].range_for(near.metainfo)[1] == 20.0
    assert ground_truth_depth(near, 0, 'surrounddepth').max() < 20
    with pytest.raises(ValueError, match="no input size for data set 'ddad'"):
        ground_truth_depth(near, 0, 'vfdepth')
    samples = [near[index]['data_samples'] for index in range(3)]
    for sample in samples:
        sample.pred_depth = torch.full((6, 192, 320), 10.0)
    results, _ = evaluate([sample.to_dict() for sample in samples], near.metainfo, protocol=['fsmde', 'vfdepth'])
    entry = results['protocols']['fsmde']
    assert entry['settings']['max_depth'] == 20.0
    # Neither DDAD's frame rule (the inner one of three) nor its number of frames: three are too few for a group.
    assert results['protocols']['vfdepth']['frames_left_out'] == 3
    assert results['protocols']['vfdepth']['published_frames'] is None
    assert 'max_depth is 20.0, that of ddad 200.0' in camera_table('fsmde', entry, 'metric').note


def test_joined_data_sets_count_every_frame(sample_data):
    """One data set in two parts, each with indices from 0 on."""
    whole = dict(type='DDADDataset', data_root=str(sample_data / 'ddad_sample'), split='val', test_mode=True)
    whole['pipeline'] = pipeline((96, 160))
    init_default_scope('mmdet3d')
    first, second = dict(whole, indices=2), dict(whole, indices=[2])
    joined = DATASETS.build(dict(type='ConcatDataset', datasets=[first, second]))
    assert isinstance(joined, ConcatDataset) and len(joined) == 3
    alone = DATASETS.build(whole)

    def figures(dataset, order):
        samples = []
        for index in order:
            sample = dataset[index]['data_samples']
            sample.pred_depth = torch.full((6, 96, 160), 10.0)
            samples.append(sample.to_dict())
        return evaluate(samples, dataset.metainfo, modes=('metric',))

    expected, _ = figures(alone, range(3))
    results, _ = figures(joined, [2, 0, 1, 1, 2])
    assert results['frames'] == 3
    want, found = (r['protocols']['fsmde']['modes']['metric']['overall']['all'] for r in (expected, results))
    assert found == {key: pytest.approx(value, rel=1e-12) for key, value in want.items()}


def test_joined_data_sets_whose_frames_share_their_names():
    parts = [[random_frame(10 * p + i, i, source=source) for i in range(5)] for p, source in enumerate('xy')]
    frames = [frame for part in parts for frame in part]
    assert len({frame['frame_id'] for frame in frames}) == 5
    results, short = evaluate(frames[::-1], protocol=['fsmde', 'vfdepth'], modes=('metric',))
    assert results['frames'] == 10
    means = [evaluate(part, modes=('metric',))[1]['depth/abs_rel'] for part in parts]
    assert short['depth/abs_rel'] == pytest.approx(np.mean(means), rel=1e-12)
    # Groups of four are of one data set: one each, the fifth frames are left out.
    assert results['protocols']['vfdepth']['frames'] == 8
    scenes = results['consistency']['occlusion_tested']['scenes']
    assert list(scenes) == ['part0/a', 'part1/a']
