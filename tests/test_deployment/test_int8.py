"""int8 graphs: what they compute in exact arithmetic, and that no processor's kernels can make it something else."""

import json
import platform

import numpy as np
import pytest
import torch
from test_onnx import SIZE, frame, student

from fsmde.deployment import DeployableEstimator, export_onnx
from fsmde.deployment.int8_instructions import int8_instructions

onnx = pytest.importorskip('onnx')
onnxruntime = pytest.importorskip('onnxruntime')


@pytest.fixture(scope='module')
def graphs(tmp_path_factory):
    """Paths of a float32 graph, of its int8 copy, of one with 8-bit weights, and of one whose first convolution is float32."""
    from fsmde.deployment.onnx_int8 import to_int8

    folder = tmp_path_factory.mktemp('int8')
    torch.manual_seed(0)
    # As EfficientNet-Lite's images: the exporter writes one constant for mean and std.
    export_onnx(DeployableEstimator(student(mean=[127.5] * 3, std=[127.5] * 3)), folder / 'float32.onnx', SIZE)
    frames = [frame(seed=seed) for seed in range(4)]
    to_int8(folder / 'float32.onnx', folder / 'int8.onnx', iter(frames))
    to_int8(folder / 'float32.onnx', folder / 'wide.onnx', frames, reduce_range=False)
    to_int8(folder / 'float32.onnx', folder / 'late.onnx', frames, first=False)
    return [folder / f'{name}.onnx' for name in ('float32', 'int8', 'wide', 'late')]


def run(path, optimised):
    """Depth of a graph; unoptimised it rounds float32 numbers node by node, without int8 kernels: the exact answer."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    images, fx = frame(2, 3, seed=9)
    return session.run(None, dict(images=images, fx=fx))[0]


def int8_weights(path):
    """{convolution: (out, in, h, w) int8 weights} of a graph's convolutions that are quantised."""
    graph = onnx.load(str(path)).graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    source = {node.output[0]: node.input[0] for node in graph.node if node.op_type == 'DequantizeLinear'}
    convolutions = [node for node in graph.node if node.op_type == 'Conv']
    return {
        node.name: tensors[source[node.input[1]]] for node in convolutions if node.input[1] in source
    }, convolutions


def pairwise_sums(activations, weights):
    """What vpmaddubsw adds up: products of uint8 and int8, two and two, in 16 bits that saturate; and the same exactly.

    Args:
        activations, weights: (K,) uint8 and int8, K even.
    """
    pairs = (activations.astype(np.int32) * weights.astype(np.int32)).reshape(-1, 2).sum(1)
    return pairs.clip(-(2**15), 2**15 - 1).sum(), pairs.sum()


def worst_case(weights):
    """The two sums for the activations, and the order of the weights, that make pairs largest."""
    weights = np.sort(weights.ravel())[::-1]
    weights = weights[: len(weights) // 2 * 2]
    return pairwise_sums(np.where(weights > 0, 255, 0).astype(np.uint8), weights)


def test_sixteen_bits_hold_two_products_of_seven_bit_weights_and_not_of_eight():
    activations = np.full(2, 255, np.uint8)
    assert pairwise_sums(activations, np.array([64, 64], np.int8)) == (32640, 32640)
    assert pairwise_sums(activations, np.array([-64, -64], np.int8)) == (-32640, -32640)
    assert pairwise_sums(activations, np.array([127, 127], np.int8)) == (32767, 64770)


def test_no_weights_of_an_exported_graph_can_saturate(graphs):
    weights, convolutions = int8_weights(graphs[1])
    # -64 is not used.
    assert [node.name for node in convolutions] == list(weights)
    for name, values in weights.items():
        assert values.dtype == np.int8 and np.abs(values.astype(int)).max() == 64, name
        for channel in values:
            saturated, exact = worst_case(channel)
            assert saturated == exact, name
    wide, _ = int8_weights(graphs[2])
    assert any(np.not_equal(*worst_case(channel)) for values in wide.values() for channel in values)


def test_in_exact_arithmetic_it_is_close_to_float32(graphs):
    expected, found = run(graphs[0], optimised=True), run(graphs[1], optimised=False)
    difference = np.abs(found - expected) / expected
    assert 0 < difference.mean() < 0.02 and difference.max() < 0.1


def test_this_processors_kernels_give_what_exact_arithmetic_does(graphs):
    exact, found = run(graphs[1], optimised=False), run(graphs[1], optimised=True)
    # A value on the border of two steps may go either way.
    assert (np.abs(found - exact) / exact).mean() < 2e-3


def test_pooling_and_rectifying_change_places_and_nothing_else(graphs, tmp_path):
    from fsmde.deployment.onnx_int8 import pool_before_rectifying

    model = onnx.load(str(graphs[0]))
    names = [node.op_type for node in model.graph.node]
    place = names.index('MaxPool')
    assert names[place - 1] == 'Relu'
    pool_before_rectifying(model.graph)
    assert [node.op_type for node in model.graph.node][place - 1 : place + 1] == ['MaxPool', 'Relu']
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(tmp_path / 'moved.onnx'))
    np.testing.assert_array_equal(run(tmp_path / 'moved.onnx', False), run(graphs[0], False))
    # Behind a first convolution in float32 nothing is rounded right behind the pooling.
    nodes = onnx.load(str(graphs[3])).graph.node
    [pool] = [node for node in nodes if node.op_type == 'MaxPool']
    assert [node.op_type for node in nodes if pool.output[0] in node.input] == ['Relu']


def write_graph(path, nodes, outputs, **constants):
    """A graph of ``images`` (1, 1, 4, 4) float32 in [-3, 3] and ``fx``, whose convolutions (1x1, weight 1) change nothing."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    constants = dict(constants, one=np.ones((1, 1, 1, 1)))
    graph = helper.make_graph(
        nodes,
        'small',
        [helper.make_tensor_value_info('images', kind, [1, 1, 4, 4]), helper.make_tensor_value_info('fx', kind, [1])],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [onnx.numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize('low, high, stays', [(1, 2, True), (-2, -1, True), (-1, 2, False), (0, 2, False)])
def test_a_clip_that_zero_does_not_pass_stays(tmp_path, low, high, stays):
    from fsmde.deployment.onnx_int8 import to_int8

    node = onnx.helper.make_node
    nodes = [node('Conv', [a, 'one'], [b], name=f'to {b}') for a, b in (('images', 'a'), ('a', 'b'), ('c', 'd'))]
    nodes.insert(2, node('Clip', ['b', 'low', 'high'], ['c'], name='clip'))
    source = write_graph(tmp_path / 'float32.onnx', nodes, ['d'], low=low, high=high)
    images, fx = np.linspace(-3, 3, 16, dtype=np.float32).reshape(1, 1, 4, 4), np.ones(1, np.float32)
    to_int8(source, tmp_path / 'int8.onnx', [(images, fx)])
    assert ('Clip' in [one.op_type for one in onnx.load(str(tmp_path / 'int8.onnx')).graph.node]) == stays
    session = onnxruntime.InferenceSession(str(tmp_path / 'int8.onnx'), providers=['CPUExecutionProvider'])
    # Two roundings, to 6 / 255 each.
    np.testing.assert_allclose(session.run(['d'], dict(images=images, fx=fx))[0], images.clip(low, high), atol=0.05)


def test_a_rectified_map_that_the_graph_gives_keeps_its_place(tmp_path):
    from fsmde.deployment.onnx_int8 import pool_before_rectifying

    node = onnx.helper.make_node
    nodes = [node('Relu', ['images'], ['r']), node('MaxPool', ['r'], ['p'], kernel_shape=[2, 2])]
    for outputs, first in ((['r', 'p'], 'Relu'), (['p'], 'MaxPool')):
        model = onnx.load(write_graph(tmp_path / 'pool.onnx', nodes, outputs))
        pool_before_rectifying(model.graph)
        assert model.graph.node[0].op_type == first and [value.name for value in model.graph.output] == outputs


def test_what_a_relu_rectifies_is_rounded_once(graphs):
    nodes = onnx.load(str(graphs[1])).graph.node
    rounded = {node.output[0] for node in nodes if node.op_type == 'DequantizeLinear'}
    assert sum(node.op_type in ('Conv', 'Add') for node in nodes) > 20
    assert not [node.name for node in nodes if node.op_type == 'Relu' and node.input[0] in rounded]


def test_the_file_says_its_form(graphs):
    from fsmde.deployment.onnx_int8 import METADATA

    [said] = [entry.value for entry in onnx.load(str(graphs[1])).metadata_props if entry.key == METADATA]
    assert json.loads(said) == dict(
        activation_type='QUInt8',
        weight_type='QInt8',
        per_channel=True,
        reduce_range=True,
        calibrate_method='Percentile',
        percentile=99.99,
        first_convolution='int8',
        calibration_frames=4,
    )


def test_without_frames(graphs, tmp_path):
    from fsmde.deployment.onnx_int8 import to_int8

    with pytest.raises(ValueError, match='found none'):
        to_int8(graphs[0], tmp_path / 'none.onnx', [])


@pytest.mark.parametrize(
    'text, expected',
    [
        ('processor\t: 0\nflags\t\t: fpu sse2 avx2 avx512f avx512_vnni\nbugs\t\t: none\n', ['avx512_vnni']),
        ('flags\t\t: fpu sse2 avx2 avx_vnni amx_int8\n', ['amx_int8', 'avx_vnni']),
        ('flags\t\t: fpu sse2 avx avx2 avx512f avx512_vnnix\n', []),
        ('vmx flags\t: avx_vnni\nflags\t\t: avx2\n', []),
        ('Features\t: fp asimd asimddp\n', ['asimddp']),
        ('Features\t: fp asimd\n', []),
        ('processor\t: 0\nhart\t\t: 1\n', None),
        ('', None),
    ],
)
def test_instructions_are_read_off(tmp_path, monkeypatch, text, expected):
    monkeypatch.setattr(platform, 'system', lambda: 'Linux')
    (tmp_path / 'cpuinfo').write_text(text)
    assert int8_instructions(tmp_path / 'cpuinfo') == expected
    assert int8_instructions(tmp_path / 'absent') is None
    monkeypatch.setattr(platform, 'system', lambda: 'Darwin')
    assert int8_instructions(tmp_path / 'cpuinfo') is None
