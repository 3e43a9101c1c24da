"""The first convolution on bytes: the same function, exact input, and weights that do not answer to brightness."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

onnx = pytest.importorskip('onnx')
onnxruntime = pytest.importorskip('onnxruntime')

from onnx import helper, numpy_helper  # noqa: E402

from fsmde.deployment.onnx_bytes import fold_normalisation, round_keeping_sums  # noqa: E402
from fsmde.deployment.onnx_int8 import to_int8  # noqa: E402

MEAN, STD = np.array([120.0, 110.0, 100.0]), np.array([50.0, 60.0, 40.0])
H, W = 6, 8
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 3, H, W, 3), dtype=np.uint8)
FX = np.ones((2, 3), np.float32)
FRAMES = [(IMAGES[:1], FX[:1]), (IMAGES[1:], FX[1:])]


def weights(std=STD):
    """Of a 3x3 and a 1x1 convolution; the first's are multiples of their largest over 64 once std is divided out."""
    rng = np.random.default_rng(1)
    first = rng.integers(-60, 61, (4, 3, 3, 3)).astype(float)
    first[:, 0, 0, 0] = 64
    return first * std[:, None, None] / 5000, rng.normal(size=4), rng.normal(size=(2, 4, 1, 1)), rng.normal(size=2)


def write(path, pads=(1, 1, 1, 1), middle=(), std='std'):
    """A graph that begins as an exported one: images less ``mean`` over the constant named ``std``, two convolutions."""
    w1, b1, w2, b2 = weights(dict(mean=MEAN, std=STD)[std])
    constants = dict(mean=MEAN.reshape(3, 1, 1), std=STD.reshape(3, 1, 1), w1=w1, b1=b1, w2=w2, b2=b2)
    initializers = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    initializers.append(numpy_helper.from_array(np.array([-1, 3, H, W]), 'shape'))

    def node(kind, inputs, name, **attributes):
        return helper.make_node(kind, inputs, [name], name, **attributes)

    nodes = [
        node('Cast', ['images'], 'float', to=1),
        node('Transpose', ['float'], 'transposed', perm=[0, 1, 4, 2, 3]),
        node('Sub', ['transposed', 'mean'], 'centered'),
        node('Div', ['centered', std], 'normalised'),
        node('Reshape', ['normalised', 'shape'], 'views_in'),
        *middle,
        node('Conv', [middle[-1].output[0] if middle else 'views_in', 'w1', 'b1'], 'one', strides=[2, 2], pads=pads),
        node('Relu', ['one'], 'rectified'),
        node('Conv', ['rectified', 'w2', 'b2'], 'two'),
    ]
    graph = helper.make_graph(
        nodes,
        'small',
        [
            helper.make_tensor_value_info('images', onnx.TensorProto.UINT8, ['B', 'N', H, W, 3]),
            helper.make_tensor_value_info('fx', onnx.TensorProto.FLOAT, ['B', 'N']),
        ],
        [helper.make_tensor_value_info('two', onnx.TensorProto.FLOAT, ['M', 2, 'h', 'w'])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def run(model, images=IMAGES):
    content = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    return session.run(None, {item.name: dict(images=images, fx=FX)[item.name] for item in session.get_inputs()})[0]


@pytest.mark.parametrize('pads', [(1, 1, 1, 1), (0, 0, 1, 1), (0, 0, 0, 0)])
def test_folded_it_is_the_same_function_at_the_borders_too(tmp_path, pads):
    path = write(tmp_path / 'float32.onnx', pads)
    model = onnx.load(path)
    assert fold_normalisation(model.graph) == 110
    onnx.checker.check_model(model, full_check=True)
    assert not {'mean', 'std', 'w1', 'b1'} & {tensor.name for tensor in model.graph.initializer}
    np.testing.assert_allclose(run(model), run(path), atol=2e-5)
    # An independent reference.
    w1, b1, w2, b2 = map(torch.from_numpy, weights())
    views = torch.from_numpy((IMAGES.reshape(-1, H, W, 3) - MEAN) / STD).permute(0, 3, 1, 2)
    top, left, bottom, right = pads
    expected = F.conv2d(F.conv2d(F.pad(views, (left, right, top, bottom)), w1, b1, stride=2).relu(), w2, b2)
    np.testing.assert_allclose(run(model), expected, atol=2e-5)


def test_mean_and_std_may_be_one_constant(tmp_path):
    # 127.5 both, as EfficientNet-Lite has it: exporters write it once.
    path = write(tmp_path / 'float32.onnx', std='mean')
    model = onnx.load(path)
    assert fold_normalisation(model.graph) == 110
    onnx.checker.check_model(model, full_check=True)
    assert 'mean' not in {tensor.name for tensor in model.graph.initializer}
    np.testing.assert_allclose(run(model), run(path), atol=5e-5)


def test_in_int8_the_bytes_go_in_as_they_are(tmp_path):
    path = write(tmp_path / 'float32.onnx')
    to_int8(path, tmp_path / 'int8.onnx', FRAMES, percentile=100)
    model = onnx.load(tmp_path / 'int8.onnx')
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    [reads] = [node for node in model.graph.node if 'bytes' in node.input]
    assert reads.op_type == 'DequantizeLinear'
    assert [float(values[name]) for name in reads.input[1:]] == [1, 110]
    assert not {'Cast', 'Sub', 'Div'} & {node.op_type for node in model.graph.node}
    # The weights are those of the grid: what is left are roundings of one map to 255 steps, and of the second's weights.
    expected = run(path)
    assert 0 < np.abs(run(model) - expected).max() < 0.03 * np.abs(expected).max()


def test_what_begins_otherwise_is_left_alone(tmp_path):
    path = write(tmp_path / 'float32.onnx', middle=[helper.make_node('Relu', ['views_in'], ['positive'], 'positive')])
    model = onnx.load(path)
    before = model.SerializeToString()
    assert fold_normalisation(model.graph) is None and model.SerializeToString() == before
    to_int8(path, tmp_path / 'int8.onnx', FRAMES, percentile=100)
    kinds = [node.op_type for node in onnx.load(tmp_path / 'int8.onnx').graph.node]
    assert kinds.index('Conv') < kinds.index('QuantizeLinear')


def test_rounding_by_hand():
    # Steps of 1. One by one 0.4 becomes 0 four times and 1.6 are lost; two of the four are rounded up instead.
    weight = np.array([64, 0.4, 0.4, 0.4, 0.4, 0, 0, 0, 0]).reshape(1, 1, 3, 3)
    found = round_keeping_sums(weight)
    assert found.sum() == 66 and sorted(found.ravel()[1:5]) == [0, 0, 1, 1] and found.max() == 64
    np.testing.assert_array_equal(round_keeping_sums(-weight), -found)


def test_rounding_keeps_sums_and_moves_nothing_by_a_step():
    weight = np.random.default_rng(2).normal(size=(16, 3, 7, 7))
    step = np.abs(weight).max((1, 2, 3), keepdims=True) / 64
    found = round_keeping_sums(weight)
    np.testing.assert_allclose(found / step, np.rint(found / step), atol=1e-9)
    assert (np.abs(found - weight) < step).all() and (np.abs(found) <= 64 * step * (1 + 1e-9)).all()
    sums = np.abs((found - weight).sum((2, 3), keepdims=True))
    assert (sums <= step / 2 * (1 + 1e-9)).all()
    assert (np.abs((np.rint(weight / step) * step - weight).sum((2, 3), keepdims=True)) > step / 2).any()
