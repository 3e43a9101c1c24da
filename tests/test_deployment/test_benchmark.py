"""The speed table: rows that exist, factors one can check, work one can count."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn

from fsmde.deployment.benchmark import measure
from fsmde.deployment.latency import count_multiply_adds, summarise, time_runs
from fsmde.deployment.speed_report import speed_ups

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'benchmark.py'


@pytest.fixture
def config(tmp_path):
    """A config with a teacher that is not there: a student's speed does not need it."""
    model = dict(
        type='DistilledDepthEstimator',
        backbone=dict(type='mmdet.ResNet', depth=18, base_channels=4),
        neck=dict(type='LightPyramidNeck', channels=8),
        head=dict(type='BinDepthHead', bins=dict(num_bins=4, min_depth=1.0, max_depth=80.0)),
        teacher=dict(type='HuggingFaceDepthTeacher', model='not/there'),
        distillers=[],
    )
    Config(dict(model=model)).dump(tmp_path / 'student.py')
    return str(tmp_path / 'student.py')


def test_work_is_counted():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    assert count_multiply_adds(lambda: layer(torch.zeros(1, 3, 10, 20))) == 10 * 20 * 3 * 8 * 9
    queries = torch.zeros(1, 2, 5, 4)
    attention = count_multiply_adds(lambda: nn.functional.scaled_dot_product_attention(queries, queries, queries))
    assert attention == 2 * (2 * 5 * 5 * 4)


def test_runs_are_counted_and_summarised():
    calls = []
    times = time_runs(lambda: calls.append(0), torch.device('cpu'), warmup=2, repeats=5)
    assert len(calls) == 7 and len(times) == 5
    assert len(time_runs(lambda: calls.append(0), torch.device('cpu'), repeats=5, seconds=0)) == 3
    assert summarise([10.0, 20.0, 30.0]) == pytest.approx(dict(median_ms=20, p95_ms=29, fps=50, runs=3))


def test_table_and_factors(config, tmp_path, monkeypatch, capsys):
    options = ['--teachers', 'random-tiny', '--size', '64', '96', '--views', '2', '--repeats', '3', '--warmup', '1']
    options += ['--precisions', 'float32', 'int8', '--same-process', '--out', str(tmp_path / 'b.json')]
    monkeypatch.setattr(sys, 'argv', [str(TOOL), config, *options])
    runpy.run_path(str(TOOL), run_name='__main__')
    result = json.loads((tmp_path / 'b.json').read_text())
    student, teacher = result['rows']  # int8 does not run eagerly
    assert (student['kind'], teacher['kind']) == ('student', 'teacher')
    same, fastest = result['speed_ups']
    assert same['factor'] == fastest['factor'] == pytest.approx(teacher['median_ms'] / student['median_ms'])
    printed = capsys.readouterr().out
    assert '| student | eager | float32 | model |' in printed and 'x as fast as random-tiny' in printed


def test_factors_by_hand():
    def row(name, kind, runtime, ms):
        return dict(name=name, kind=kind, runtime=runtime, precision='float32', scope='model', median_ms=ms)

    rows = [row('a.py', 'student', 'eager', 10.0), row('a.py', 'student', 'onnx', 4.0)]
    rows += [row('big', 'teacher', 'eager', 80.0), row('g.onnx', 'graph', 'onnx', 2.0)]
    found = {(f['teacher'], f['form']): f['factor'] for f in speed_ups(rows)}
    assert found == {
        ('big', 'eager float32'): 8.0,
        ('big', 'fastest: onnx float32 against eager float32'): 20.0,
        ('g.onnx', 'onnx float32'): 0.5,
        ('g.onnx', 'fastest: onnx float32 against onnx float32'): 0.5,
    }


@pytest.mark.parametrize('runtime, precision', [('eager', 'bfloat16'), ('onnx', 'int8')])
def test_student_forms(config, runtime, precision):
    if runtime == 'onnx':
        pytest.importorskip('onnxscript')
    row = measure(config, (64, 96), 2, runtime, precision, 'end to end', warmup=1, repeats=3)
    assert row['runs'] == 3 and row['median_ms'] > 0 and row['multiply_adds'] % 2 == 0


def test_teacher_in_onnx():
    pytest.importorskip('onnxscript')
    row = measure('random-tiny', (64, 96), 2, 'onnx', 'float32', 'end to end', warmup=1, repeats=3)
    assert row['kind'] == 'teacher' and row['median_ms'] > 0


def test_what_does_not_exist(config):
    with pytest.raises(ValueError, match='int8 does not run in eager'):
        measure(config, (64, 96), precision='int8')
    with pytest.raises(ValueError, match="found 'tensorrt'"):
        measure(config, (64, 96), runtime='tensorrt')
