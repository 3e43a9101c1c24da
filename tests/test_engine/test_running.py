"""Training and evaluation as a config says, from Python; tests/test_tools/test_train.py has what is refused."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from toy_run import STUDENT, toy_config, validated

from fsmde.apis import publish_folder
from fsmde.apis.load_model import set_input_size
from fsmde.engine import evaluate, train
from fsmde.engine.running import set_up_metrics
from fsmde.evaluation import SurroundDepthMetric, get_protocol
from fsmde.evaluation.result_files import hash_of_file, read_results


def evaluator_of(tmp_path, text):
    path = tmp_path / 'config.py'
    path.write_text(text)
    return Config.fromfile(str(path))


@pytest.mark.parametrize(
    ('text', 'count'),
    [
        ("test_evaluator = dict(type='SurroundDepthMetric')", 1),
        ("test_evaluator = dict(type='mmdet3d.SurroundDepthMetric')", 1),
        ("test_evaluator = [dict(type='SurroundDepthMetric')]", 1),
        ("test_evaluator = [dict(type='SurroundDepthMetric'), dict(type='SurroundDepthMetric', prefix='b')]", 2),
        ("test_evaluator = dict(type='Evaluator', metrics=[dict(type='SurroundDepthMetric')])", 1),
        ('from fsmde.evaluation import SurroundDepthMetric\ntest_evaluator = [dict(type=SurroundDepthMetric)]', 1),
    ],
)
def test_every_way_of_writing_a_test_evaluator(tmp_path, text, count):
    init_default_scope('mmdet3d')
    cfg = evaluator_of(tmp_path, text)
    set_up_metrics(cfg.test_evaluator, 'out', dict(checkpoint='a.pth'), ['vfdepth'])
    built = Runner.build_evaluator(None, cfg.test_evaluator)
    assert all(type(metric) is SurroundDepthMetric for metric in built.metrics) and len(built.metrics) == count
    assert [metric.out_dir for metric in built.metrics] == ['out', 'out_1'][:count]
    for metric in built.metrics:
        assert list(metric.protocols) == ['vfdepth'] and metric.run == dict(checkpoint='a.pth')


@pytest.mark.parametrize('protocol', ['vfdepth', ('vfdepth',), dict(name='vfdepth'), get_protocol('vfdepth')])
def test_every_way_of_naming_a_protocol(tmp_path, protocol):
    init_default_scope('mmdet3d')
    cfg = evaluator_of(tmp_path, "test_evaluator = dict(type='SurroundDepthMetric')")
    set_up_metrics(cfg.test_evaluator, 'out', {}, protocol)
    (metric,) = Runner.build_evaluator(None, cfg.test_evaluator).metrics
    assert list(metric.protocols) == ['vfdepth']
    with pytest.raises(KeyError, match="unknown protocol 'vfdept'"):
        set_up_metrics(cfg.test_evaluator, 'out', {}, 'vfdept')


def test_two_metrics_whose_figures_have_the_same_names_are_refused(tmp_path):
    """mmengine says so when all is evaluated."""
    text = "[dict(type='SurroundDepthMetric'), dict(type='SurroundDepthMetric', protocol='vfdepth')]"
    with pytest.raises(
        ValueError, match=r"test_evaluator has several .* \['depth', 'depth'\]: give one of them prefix"
    ):
        set_up_metrics(evaluator_of(tmp_path, f'test_evaluator = {text}').test_evaluator, 'out', {})
    cfg = evaluator_of(tmp_path, f'val_evaluator = {text}')
    with pytest.raises(ValueError, match='val_evaluator has several'):
        train(cfg)


def test_metrics_of_others_are_left_alone(tmp_path):
    cfg = evaluator_of(tmp_path, "test_evaluator = [dict(type='NuScenesMetric')]")
    set_up_metrics(cfg.test_evaluator, 'out', {}, None)
    assert cfg.test_evaluator == [dict(type='NuScenesMetric')]
    with pytest.raises(ValueError, match='test_evaluator has none'):
        set_up_metrics(cfg.test_evaluator, 'out', {}, ['vfdepth'])


def test_train_go_on_and_evaluate(toy_dgp, tmp_path):
    cfg = toy_config(toy_dgp, STUDENT, max_epochs=1)
    cfg.work_dir = str(tmp_path / 'work')
    assert train(cfg).iter == 3
    checkpoint = tmp_path / 'work/epoch_1.pth'
    best = tmp_path / 'work/best_depth_abs_rel_epoch_1.pth'
    checkpoint.rename(best)
    with pytest.raises(FileExistsError, match='holds checkpoints of an earlier run'):
        train(cfg)
    best.rename(checkpoint)
    with pytest.raises(FileExistsError, match='holds checkpoints of an earlier run'):
        train(cfg)
    cfg.model.flip_augmentation = True  # As --flip says it, but of the config's own.
    figures = evaluate(cfg, str(checkpoint), 'toy', ['fsmde', 'vfdepth'])
    (written,) = (tmp_path / 'work').glob('test_*/results.json')
    results = read_results(written)
    assert list(results['protocols']) == ['fsmde', 'vfdepth'] and results['run']['config'] == 'toy'
    assert results['run']['flip_augmentation'] is True and results['input_size'] == [48, 64]
    of_all = results['protocols']['fsmde']['modes']['metric']['overall']['all']
    assert figures['depth/abs_rel'] == of_all['abs_rel'] > 0


def test_a_published_model_brings_its_architecture_and_input_size(toy_dgp, tmp_path):
    cfg = toy_config(toy_dgp, STUDENT, max_epochs=2)
    cfg.work_dir = str(tmp_path / 'work')
    train(cfg)
    checkpoint = str(tmp_path / 'work/epoch_1.pth')
    published = publish_folder(checkpoint, tmp_path / 'student')
    expected = evaluate(cfg, checkpoint)
    # A config that resumes means its training, whose newest weights are others.
    for model in (checkpoint, str(published)):
        cfg.resume = True
        assert evaluate(cfg, model) == pytest.approx(expected, rel=1e-6)
    other = toy_config(toy_dgp, STUDENT, max_epochs=1)
    other.work_dir = str(tmp_path / 'other')
    other.model.head.bins.num_bins = 7
    set_input_size(other, (32, 32))
    found = evaluate(other, str(published))
    assert found == pytest.approx(expected, rel=1e-6)
    (written,) = (tmp_path / 'other').glob('test_*/results.json')
    assert read_results(written)['run']['checkpoint_sha256'] == hash_of_file(published / 'model.safetensors')
    other.test_dataloader.dataset.pipeline = []
    with pytest.raises(ValueError, match='has no ResizeViews'):
        evaluate(other, str(published))


def test_a_published_model_does_not_stand_in_for_a_detector(toy_dgp, tmp_path):
    cfg = toy_config(toy_dgp, STUDENT)
    cfg.model = dict(type='BEVDepthDetector')
    with pytest.raises(ValueError, match='is a published depth estimator, and bev.py is of a BEVDepthDetector'):
        evaluate(cfg, str(tmp_path), 'bev.py')


def test_what_decides_on_the_best_of_a_stock_hook_is_measured(toy_dgp, tmp_path):
    """AtomicCheckpointHook asks by itself; mmengine's finds out behind the first epoch."""
    cfg = validated(toy_config(toy_dgp, STUDENT, max_epochs=1))
    cfg.work_dir, cfg.default_hooks.checkpoint = (
        str(tmp_path / 'work'),
        dict(type='CheckpointHook', save_best='abs_rel', rule='less'),
    )
    with pytest.raises(
        ValueError, match="save_best='abs_rel' is no figure of the validation, .* nearest are depth/abs_rel"
    ):
        train(cfg)


def test_a_training_set_smaller_than_its_one_batch_is_refused(toy_dgp, tmp_path):
    """With drop_last: mmengine begins, and ends in a trace."""
    cfg = toy_config(toy_dgp, model=STUDENT, batch_size=1000)
    cfg.train_dataloader.drop_last = True
    cfg.work_dir = str(tmp_path)
    with pytest.raises(ValueError, match='fewer than batch_size 1000, and drop_last'):
        train(cfg)


def test_weights_to_begin_with_of_which_nothing_fits_are_refused(toy_dgp, tmp_path):
    cfg = toy_config(toy_dgp, model=STUDENT)
    torch.save({'student.head.bias': torch.ones(1)}, tmp_path / 'detector.pth')
    cfg.work_dir, cfg.load_from = str(tmp_path / 'work'), str(tmp_path / 'detector.pth')
    with pytest.raises(ValueError, match='detector.pth holds weights of another model'):
        train(cfg)
