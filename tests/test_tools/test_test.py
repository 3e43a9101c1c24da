"""What tools/test.py tells the metrics of a config."""

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from processes import load_tool

from fsmde.evaluation import SurroundDepthMetric


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
    load_tool('test.py').set_up_metrics(cfg.test_evaluator, 'out', dict(checkpoint='a.pth'), ['vfdepth'])
    built = Runner.build_evaluator(None, cfg.test_evaluator)
    assert all(type(metric) is SurroundDepthMetric for metric in built.metrics) and len(built.metrics) == count
    assert [metric.out_dir for metric in built.metrics] == ['out', 'out_1'][:count]
    for metric in built.metrics:
        assert list(metric.protocols) == ['vfdepth'] and metric.run == dict(checkpoint='a.pth')


def test_metrics_of_others_are_left_alone(tmp_path):
    cfg = evaluator_of(tmp_path, "test_evaluator = [dict(type='NuScenesMetric')]")
    tool = load_tool('test.py')
    tool.set_up_metrics(cfg.test_evaluator, 'out', {}, None)
    assert cfg.test_evaluator == [dict(type='NuScenesMetric')]
    with pytest.raises(SystemExit, match='test_evaluator has none'):
        tool.set_up_metrics(cfg.test_evaluator, 'out', {}, ['vfdepth'])
