"""Other projects' graphs: what they want is read off, and their work is counted."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from test_onnx import SIZE, student

from fsmde.deployment import DeployableEstimator, export_onnx
from fsmde.deployment.benchmark import exists, measure
from fsmde.deployment.foreign_graph import GraphContender, count_graph_multiply_adds
from fsmde.deployment.latency import count_multiply_adds

onnx = pytest.importorskip('onnx')
TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'benchmark.py'


def write_graph(path, shape, kind=onnx.TensorProto.FLOAT, inputs=1):
    """conv 3 -> 4 (3x3, stride 2), transposed conv 4 -> 2 (2x2, stride 2), mean over pixels, Gemm 2 -> 5, MatMul 5 -> 7."""
    helper, rng = onnx.helper, np.random.default_rng(0)
    weights = dict(a=(4, 3, 3, 3), b=(4, 2, 2, 2), c=(5, 2), d=(5, 7))
    nodes = [
        helper.make_node('Cast', ['x0'], ['f'], to=onnx.TensorProto.FLOAT),
        helper.make_node('Transpose', ['f'], ['n'], perm=[0, 3, 1, 2] if shape[3] == 3 else [0, 1, 2, 3]),
        helper.make_node('Conv', ['n', 'a'], ['y'], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node('ConvTranspose', ['y', 'b'], ['z'], strides=[2, 2]),
        helper.make_node('GlobalAveragePool', ['z'], ['p']),
        helper.make_node('Flatten', ['p'], ['q']),
        helper.make_node('Gemm', ['q', 'c'], ['g'], transB=1),
        helper.make_node('MatMul', ['g', 'd'], ['out']),
    ]
    graph = helper.make_graph(
        nodes,
        'other',
        [helper.make_tensor_value_info(f'x{i}', kind, shape) for i in range(inputs)],
        [helper.make_tensor_value_info('out', onnx.TensorProto.FLOAT, [shape[0], 7])],
        [onnx.numpy_helper.from_array(rng.normal(size=s).astype(np.float32), name) for name, s in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8), path)
    return str(path)


#: Of an image of 8x12: 4x6 cells by 4 channels by 27, the same cells by 4 channels by 2 * 2 * 2, 2 by 5, 5 by 7.
WORK = 24 * 4 * 27 + 24 * 4 * 8 + 10 + 35


@pytest.mark.parametrize(
    'shape, kind, fed, calls',
    [
        (['N', 3, 'H', 'W'], onnx.TensorProto.FLOAT, (6, 3, 8, 12), 1),
        ([1, 3, 8, 12], onnx.TensorProto.FLOAT, (1, 3, 8, 12), 6),
        ([6, 8, 12, 3], onnx.TensorProto.UINT8, (6, 8, 12, 3), 1),
    ],
)
def test_layout_and_work(tmp_path, shape, kind, fed, calls):
    contender = GraphContender(write_graph(tmp_path / 'g.onnx', shape, kind), (8, 12), 6)
    assert (contender.images.shape, contender.calls) == (fed, calls)
    assert contender.images.dtype == (np.uint8 if kind == onnx.TensorProto.UINT8 else np.float32)
    assert contender.multiply_adds() == 6 * WORK and contender.parameters == 108 + 32 + 10 + 35


def test_work_agrees_with_torch(tmp_path):
    """On a student, whose graph computes its sizes as it runs."""
    pytest.importorskip('onnxscript')
    deployable = DeployableEstimator(student())
    export_onnx(deployable, tmp_path / 'student.onnx', SIZE)
    images, fx = torch.zeros(1, 2, *SIZE, 3, dtype=torch.uint8), torch.ones(1, 2)
    found = count_graph_multiply_adds(tmp_path / 'student.onnx', dict(images=images.numpy(), fx=fx.numpy()))
    assert found == count_multiply_adds(lambda: deployable(images, fx)) > 1e6


def test_graphs_that_take_something_else_are_named(tmp_path):
    two = write_graph(tmp_path / 'two.onnx', [1, 3, 8, 12], inputs=2)
    with pytest.raises(ValueError, match=r'two.onnx takes .*x1.*: expected images \(M, 3, H, W\)'):
        GraphContender(two, (8, 12), 6)
    batch = write_graph(tmp_path / 'batch.onnx', [4, 3, 8, 12])
    with pytest.raises(ValueError, match='batches of 4 images: expected any number, 1 or 6'):
        GraphContender(batch, (8, 12), 6)
    for shape in ([1, 3, 8, 12], ['N', 8, 'W', 3]):
        small = write_graph(tmp_path / 'small.onnx', shape)
        found = '8x12' if shape[3] == 12 else '8x96'
        with pytest.raises(
            ValueError, match=f'small.onnx takes images of {found}, --size is 64x96: export it for 64x96'
        ):
            GraphContender(small, (64, 96), 6)
    with pytest.raises(FileNotFoundError, match='no ONNX graph at'):
        GraphContender(tmp_path / 'absent.onnx', (8, 12), 6)


def test_rows_that_exist():
    assert exists('other.onnx', 'onnx', 'int8', 'model') and exists('other.onnx', 'openvino', 'bfloat16', 'model')
    assert not exists('other.onnx', 'eager', 'float32', 'model')
    assert not exists('other.onnx', 'onnx', 'float32', 'end to end')
    assert exists('student.py', 'openvino', 'int8', 'end to end') and not exists(
        'random-small', 'onnx', 'int8', 'model'
    )


def test_in_the_table(tmp_path, monkeypatch, capsys):
    graph = write_graph(tmp_path / 'other.onnx', ['N', 3, 64, 96])
    config = tmp_path / 'student.py'
    config.write_text(
        'model = dict(type="BinDepthEstimator", backbone=dict(type="mmdet.ResNet", depth=18, base_channels=4),\n'
        '    neck=dict(type="LightPyramidNeck", channels=8),\n'
        '    head=dict(type="BinDepthHead", bins=dict(num_bins=4, min_depth=1.0, max_depth=80.0)))\n'
    )
    options = ['--graphs', graph, '--size', '64', '96', '--views', '2', '--runtimes', 'onnx', '--same-process']
    options += ['--precisions', 'float32', '--repeats', '3', '--warmup', '1', '--out', str(tmp_path / 'out.json')]
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(config), *options])
    runpy.run_path(str(TOOL), run_name='__main__')
    mine, other = json.loads((tmp_path / 'out.json').read_text())['rows']
    assert (mine['kind'], other['kind'], other['multiply_adds']) == ('student', 'graph', 2 * (64 * (WORK - 45) + 45))
    assert 'x as fast as' in capsys.readouterr().out
    assert measure(graph, (64, 96), 2, 'onnx', 'int8', repeats=3)['median_ms'] > 0
    monkeypatch.setattr(sys, 'argv', [str(TOOL), graph])
    with pytest.raises(SystemExit):
        runpy.run_path(str(TOOL), run_name='__main__')
    assert 'is no student' in capsys.readouterr().err
