"""Each data set of a mixture by its own rules, in its own table."""

import json

import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS
from mmengine.registry import init_default_scope
from processes import start, wait_for
from toy_infos import write_toy_infos
from toy_run import TEST_PIPELINE

from fsmde.engine.running import set_up_metrics
from fsmde.evaluation import MixedEvaluator, SurroundDepthMetric
from toy_dgp import AZIMUTHS, FOCAL, HEIGHT, RADIUS, WIDTH, write_toy_dgp

NUSCENES = dict(
    CAM_FRONT=0, CAM_FRONT_LEFT=60, CAM_BACK_LEFT=120, CAM_BACK=180, CAM_BACK_RIGHT=240, CAM_FRONT_RIGHT=300
)


@pytest.fixture(scope='module')
def mixture(tmp_path_factory):
    """Two DGP data sets of six and three cameras and one of v2 infos: 3, 2 and 2 frames inside a cylinder of 10 m."""
    init_default_scope('mmdet3d')
    folder = tmp_path_factory.mktemp('mixture')
    write_toy_dgp(folder / 'six')
    write_toy_dgp(folder / 'three', cameras=dict(list(AZIMUTHS.items())[:3]), samples=2)
    write_toy_infos(folder / 'infos', NUSCENES)
    common = dict(pipeline=TEST_PIPELINE, test_mode=True)
    dgp = dict(common, type='DDADDataset', split='val')
    infos = dict(common, type='NuScenesSurroundDataset', ann_file='infos.pkl', data_root=str(folder / 'infos'))
    six = dict(dgp, data_root=str(folder / 'six'))
    three = dict(dgp, data_root=str(folder / 'three'), cameras=list(AZIMUTHS)[:3])
    return DATASETS.build(dict(type='MixedSurroundDataset', datasets=dict(ddad=six, three=three, nuscenes=infos)))


#: What is predicted in place of the truth, by data set: AbsRel is what it differs from 1 by.
FACTORS = dict(ddad=1.1, three=1.2, nuscenes=0.7)


def predicted(frames, factors=FACTORS):
    """Every frame with the cylinder's depth times the factor of its data set."""
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / FOCAL
    depth = torch.tensor(RADIUS / np.sqrt(1 + x**2), dtype=torch.float32).expand(HEIGHT, WIDTH)
    samples = []
    for part, name in zip(frames.datasets, frames.names):
        for index in range(len(part)):
            sample = part[index]['data_samples']
            sample.pred_depth = depth.expand(len(sample.cam_names), -1, -1) * factors[name]
            samples.append(sample)
    return samples


def plain_metric(**kwargs):
    """Metric figures alone."""
    return dict(type=SurroundDepthMetric, modes=('metric',), consistency=(), **kwargs)


def test_figures_of_each_data_set_and_their_mean(mixture, tmp_path):
    metrics = {name: plain_metric(out_dir=str(tmp_path / name)) for name in mixture.names}
    evaluator = MixedEvaluator(metrics)
    evaluator.dataset_meta = mixture.metainfo
    for sample in predicted(mixture):
        evaluator.process([sample], data_batch=None)
    figures = evaluator.evaluate(len(mixture))
    for name, factor in FACTORS.items():
        assert figures[f'{name}/depth/abs_rel'] == pytest.approx(abs(factor - 1), abs=0.005)
        results = json.loads((tmp_path / name / 'results.json').read_text())
        assert results['frames'] == dict(ddad=3, three=2, nuscenes=2)[name]
        assert results['protocols']['fsmde']['settings']['max_depth'] == (80 if name == 'nuscenes' else 200)
    assert figures['depth/abs_rel'] == pytest.approx(np.mean([figures[f'{n}/depth/abs_rel'] for n in FACTORS]))
    # CAMERA_01 is no camera of nuScenes: it has no mean.
    assert 'ddad/depth/CAMERA_01/abs_rel' in figures and 'depth/CAMERA_01/abs_rel' not in figures
    assert set(figures) == set(evaluator.names_of_figures())


def test_each_part_is_what_it_is_alone(mixture):
    """The same figures as of an evaluation of that data set by itself, and from frames in any order."""
    evaluator = MixedEvaluator({name: plain_metric() for name in mixture.names})
    evaluator.dataset_meta = mixture.metainfo
    for sample in predicted(mixture)[::-1]:
        evaluator.process([sample.to_dict()])
    together = evaluator.evaluate(len(mixture))
    for name, part in zip(mixture.names, mixture.datasets):
        alone = SurroundDepthMetric(modes=('metric',), consistency=())
        alone.dataset_meta = part.metainfo
        alone.process(None, [s.to_dict() for s in predicted(mixture) if s.source == part.source])
        for key, value in alone.evaluate(len(part)).items():
            assert together[f'{name}/{key}'] == value


def evaluate_share(folder, rank, world):
    """Evaluate every ``world``-th frame, as a sampler hands them out: the first again where they do not divide."""
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=world)
    meta, samples = torch.load(folder / 'samples.pt', weights_only=False)
    evaluator = MixedEvaluator({name: plain_metric() for name in meta['parts']})
    evaluator.dataset_meta = meta
    for sample in [*samples, samples[0]][rank::world]:
        evaluator.process([sample])
    torch.save(evaluator.evaluate(len(samples)), folder / f'figures_{rank}.pt')
    torch.distributed.destroy_process_group()


def test_two_ranks_say_what_one_says(mixture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # Where mmengine collects results.
    samples = predicted(mixture)
    evaluator = MixedEvaluator({name: plain_metric() for name in mixture.names})
    evaluator.dataset_meta = mixture.metainfo
    for sample in samples:
        evaluator.process([sample])
    alone = evaluator.evaluate(len(mixture))
    torch.save((mixture.metainfo, samples), tmp_path / 'samples.pt')
    processes = [start(evaluate_share, tmp_path, rank, 2, log=tmp_path / f'{rank}.log') for rank in (0, 1)]
    for rank, process in enumerate(processes):
        wait_for(process)
        assert process.exitcode == 0, (tmp_path / f'{rank}.log').read_text()
        assert torch.load(tmp_path / f'figures_{rank}.pt') == alone


def test_names_that_do_not_fit(mixture):
    evaluator = MixedEvaluator(dict(ddad=plain_metric(), other=plain_metric()))
    with pytest.raises(ValueError, match=r"metrics for \['ddad', 'other'\], the data set holds \['ddad', 'three'"):
        evaluator.dataset_meta = mixture.metainfo
    with pytest.raises(ValueError, match='holds no named parts'):
        evaluator.dataset_meta = mixture.datasets[0].metainfo
    with pytest.raises(ValueError, match='metrics must be {name of a data set: metric}'):
        MixedEvaluator(plain_metric())


def test_one_data_set_twice(mixture):
    twice = dict(mixture.metainfo, parts=dict(a=mixture.datasets[0].metainfo, b=mixture.datasets[0].metainfo))
    for part in twice['parts'].values():
        part.update(frames=3, source='same')
    evaluator = MixedEvaluator(dict(a=plain_metric(), b=plain_metric()))
    with pytest.raises(ValueError, match=r"\['a', 'b'\] hold the same frames"):
        evaluator.dataset_meta = twice


def test_test_py_gives_each_data_set_a_folder(tmp_path):
    evaluator = dict(
        type=MixedEvaluator, metrics=dict(a=plain_metric(), b=[plain_metric(), plain_metric(prefix='second')])
    )
    set_up_metrics(evaluator, str(tmp_path), dict(config='c'), ['vfdepth'])
    a, (b, second) = evaluator['metrics']['a'], evaluator['metrics']['b']
    assert (a['out_dir'], b['out_dir']) == (f'{tmp_path}/a', f'{tmp_path}/b') and second[
        'out_dir'
    ] == f'{tmp_path}_1/b'
    assert a['protocol'] == second['protocol'] == ['vfdepth'] and b['run'] == dict(config='c')
