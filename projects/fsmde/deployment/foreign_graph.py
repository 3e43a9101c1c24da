"""ONNX graphs of other projects as contenders: run as they are, six views a frame, with their work counted.

Nothing of theirs is read but the graph: its one input of images says what it wants.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx

TYPES = {'tensor(float)': np.float32, 'tensor(float16)': np.float16, 'tensor(uint8)': np.uint8}


class GraphContender:
    """A graph that takes images (M, 3, H, W) or (M, H, W, 3) and has no other input.

    Args:
        path: The graph.
        size: (H, W) of all contenders; the graph takes these or leaves them open.
        views: Cameras of a frame: one batch where the graph's batch size is open or the same, one after the other where
            it is 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the graph takes something else; says what.
    """

    def __init__(self, path, size: tuple, views: int):
        from .onnx_session import OnnxSession

        self.path, self.views = Path(path), views
        if not self.path.is_file():
            raise FileNotFoundError(f'no ONNX graph at {path}')
        nodes = OnnxSession(path, 1).session.get_inputs()
        shape = list(nodes[0].shape) if len(nodes) == 1 else []
        channels = next((axis for axis in (1, 3) if len(shape) == 4 and shape[axis] == 3), None)
        if channels is None or nodes[0].type not in TYPES:
            found = {node.name: (node.type, node.shape) for node in nodes}
            raise ValueError(
                f'{path} takes {found}: expected images (M, 3, H, W) or (M, H, W, 3), float or uint8, alone'
            )
        open_shape = [views, *size]
        open_shape.insert(channels, 3)
        shape = [side if isinstance(side, int) else free for side, free in zip(shape, open_shape)]
        if shape[0] not in (1, views):
            raise ValueError(f'{path} takes batches of {shape[0]} images: expected any number, 1 or {views}')
        height, width = (side for axis, side in enumerate(shape) if axis not in (0, channels))
        if (height, width) != tuple(size):
            raise ValueError(
                f'{path} takes images of {height}x{width}, --size is {size[0]}x{size[1]}: export it for {size[0]}x{size[1]}'
            )
        kind = TYPES[nodes[0].type]
        values = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        self.images = values if kind is np.uint8 else (values / 255).astype(kind)
        self.name, self.calls = nodes[0].name, views // shape[0]

    @property
    def parameters(self) -> int:
        """Numbers in the graph's weights."""
        weights = onnx.load(str(self.path)).graph.initializer
        return sum(int(np.prod(tensor.dims)) for tensor in weights if tensor.data_type in FLOATS)

    def multiply_adds(self) -> int:
        """Multiply-adds of a frame, see :func:`count_graph_multiply_adds`."""
        return self.calls * count_graph_multiply_adds(self.path, {self.name: self.images})

    def graph(self, form, end_to_end, open_session):
        """A function that computes one frame; ``open_session`` makes a session of a path, ``form`` is float32 or int8."""
        with tempfile.TemporaryDirectory() as folder:
            path = self.path
            if form == 'int8':
                path = Path(folder) / 'int8.onnx'
                to_plain_int8(self.path, path, {self.name: self.images})
            session = open_session(path)
        return lambda: [session(self.images) for _ in range(self.calls)]


FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)


def count_graph_multiply_adds(path, feed: dict) -> int:
    """Multiply-adds of Conv, ConvTranspose, Gemm and MatMul nodes for some inputs, by the shapes that a run shows.

    Shape inference stops where a graph computes its sizes; a run does not.

    Args:
        path: The graph.
        feed: {input: array}.
    """
    import onnxruntime

    model = onnx.load(str(path))
    nodes = [node for node in model.graph.node if node.op_type in ('Conv', 'ConvTranspose', 'Gemm', 'MatMul')]
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    shapes.update((name, values.shape) for name, values in feed.items())
    outputs = {value.name for value in model.graph.output}
    asked = {name for node in nodes for name in (node.input[0], node.input[1], node.output[0])} - shapes.keys()
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(asked - outputs))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, str(Path(folder) / 'graph.onnx'))
        session = onnxruntime.InferenceSession(
            str(Path(folder) / 'graph.onnx'), options, providers=['CPUExecutionProvider']
        )
    names = sorted(asked)
    shapes.update((name, value.shape) for name, value in zip(names, session.run(names, feed)))
    total = 0
    for node in nodes:
        first, second, result = (shapes[name] for name in (node.input[0], node.input[1], node.output[0]))
        if node.op_type == 'Gemm':
            transposed = any(a.name == 'transA' and a.i for a in node.attribute)
            each = first[0] if transposed else first[1]
        else:
            each = first[-1] if node.op_type == 'MatMul' else int(np.prod(second[1:]))
        total += int(np.prod(first if node.op_type == 'ConvTranspose' else result)) * each
    return total


def to_plain_int8(source, path, feed: dict) -> None:
    """Write a copy of any graph in int8 as ONNX Runtime's own tool makes it, calibrated on ``feed``: for its speed alone."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Once(CalibrationDataReader):
        def __init__(self):
            self.feeds = iter([feed])

        def get_next(self):
            return next(self.feeds, None)

    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / 'prepared.onnx'
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            Once(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
