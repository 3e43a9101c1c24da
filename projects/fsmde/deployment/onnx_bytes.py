"""The first convolution of an int8 graph on the bytes of the images themselves: neither normalised nor rounded again."""

import numpy as np
from onnx import helper, numpy_helper

#: What an exported graph does to its images before the first convolution, last first.
NORMALISATION = ['Reshape', 'Div', 'Sub', 'Transpose', 'Cast']
#: Name of the bytes less their zero point.
BYTES = 'bytes_less_zero'


def fold_normalisation(graph) -> int:
    """Fold mean and std of the images into the first convolution, in place: what it reads are bytes less a zero point.

    W ((v - mean) / std) + b = (W / std) (v - zero) + (b + sum (W / std) (zero - mean)), with ``zero`` the mean of the
    means. What the convolution pads with, zeros behind the normalisation, become each channel's own mean, rounded,
    around the bytes.

    Returns:
        int: ``zero``; None, and nothing is changed, if the graph does not begin as an exported one does.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    producer = {name: node for node in graph.node for name in node.output}
    convolution = next(node for node in graph.node if node.op_type == 'Conv')
    attributes = {item.name: helper.get_attribute_value(item) for item in convolution.attribute}
    images, chain, name = graph.input[0], [], convolution.input[0]
    while name in producer:
        chain.append(producer[name])
        name = chain[-1].input[0]
    begins = [node.op_type for node in chain] == NORMALISATION and name == images.name
    if not begins or len(convolution.input) < 3 or attributes.get('auto_pad', b'NOTSET') != b'NOTSET':
        return None
    names = [chain[1].input[1], chain[2].input[1], *convolution.input[1:]]
    if not all(name in constants for name in names):
        return None
    std, mean, weight, bias = (numpy_helper.to_array(constants[name]).astype(np.float64) for name in names)
    mean, std = mean.reshape(-1), std.reshape(-1)
    zero = round(float(mean.mean()))
    weight = round_keeping_sums(weight / std[:, None, None])
    bias = bias + (weight * (zero - mean)[:, None, None]).sum((1, 2, 3))
    H, W, C = (side.dim_value for side in images.type.tensor_type.shape.dim[2:])
    top, left, bottom, right = attributes.get('pads', [0] * 4)
    border = np.tile(np.rint(mean).astype(np.uint8), (1, H + top + bottom, W + left + right, 1))
    border[:, top : top + H, left : left + W] = 0

    def constant(name, value):
        graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def node(kind, inputs, name, **attributes):
        return helper.make_node(kind, inputs, [name], name, **attributes)

    replaced = constants.keys() & {name for node in (*chain, convolution) for name in node.input}
    for old in chain:
        graph.node.remove(old)
    start = [
        node('Reshape', ['images', constant('views_shape', np.array([-1, H, W, C]))], 'views'),
        node('Pad', ['views', constant('views_pads', np.array([0, top, left, 0, 0, bottom, right, 0]))], 'padded'),
        node('Max', ['padded', constant('border', border)], 'bordered'),
        # Behind the rest: ONNX Runtime, whose int8 has channels last, cancels it.
        node('Transpose', ['bordered'], 'bytes', perm=[0, 3, 1, 2]),
        node('Cast', ['bytes'], 'bytes_float', to=1),
        node('Sub', ['bytes_float', constant('bytes_zero', np.float32(zero))], BYTES),
    ]
    for place, new in enumerate(start):
        graph.node.insert(place, new)
    convolution.input[0] = BYTES
    convolution.input[1] = constant('weight_of_bytes', weight.astype(np.float32))
    convolution.input[2] = constant('bias_of_bytes', bias.astype(np.float32))
    for item in convolution.attribute:
        if item.name == 'pads':
            item.ints[:] = [0] * 4
    # Each once, for a mean that equals std is the same constant, and none that another node reads.
    for name in (name for name in replaced if not any(name in node.input for node in graph.node)):
        graph.initializer.remove(constants[name])
    return zero


def round_keeping_sums(weight, steps: int = 64):
    """Round weights (O, C, h, w) to multiples of each output's largest over ``steps`` and keep the sum of each (h, w).

    Neighbouring pixels are alike, and edges small differences of large sums: of weights rounded one by one the errors add
    up to an answer to brightness.
    """
    step = np.abs(weight).max((1, 2, 3), keepdims=True) / steps
    exact = (weight / step).reshape(*weight.shape[:2], -1)
    rounded = np.rint(exact)
    missing = np.rint((exact - rounded).sum(-1, keepdims=True))
    # As many taps as are missing are rounded the other way: those from which, or to which, rounding has moved most.
    rank = np.argsort(np.argsort((rounded - exact) * np.sign(missing), -1), -1)
    rounded += np.sign(missing) * (rank < np.abs(missing))
    return rounded.reshape(weight.shape) * step


def read_bytes(graph) -> None:
    """Drop, in place, what turns the bytes of :func:`fold_normalisation` into numbers and these into the same bytes."""
    [quantise] = [node for node in graph.node if node.op_type == 'QuantizeLinear' and BYTES in node.input]
    for node in [node for node in graph.node if quantise.output[0] in node.input]:
        node.input[0] = 'bytes'
    for node in [node for node in graph.node if node is quantise or node.name in ('bytes_float', BYTES)]:
        graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if tensor.name == 'bytes_zero']:
        graph.initializer.remove(tensor)
