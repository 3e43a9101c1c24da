"""An int8 copy of an exported graph, calibrated on real frames."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from .onnx_regions import between_convolutions


class Frames(CalibrationDataReader):
    """Feeds (images, fx) pairs, numpy, to the calibration."""

    def __init__(self, frames):
        self.frames = iter(frames)

    def get_next(self):
        frame = next(self.frames, None)
        return frame and dict(images=np.asarray(frame[0]), fx=np.asarray(frame[1], dtype=np.float32))


def to_int8(source, path, frames) -> None:
    """Write a copy of a float32 graph whose convolutions run in int8, statically calibrated (QDQ format).

    Weights are quantised by output channel, activations by tensor with the ranges that ``frames`` show.

    Args:
        source: Path of a graph of :func:`fsmde.deployment.export_onnx`.
        path: File to write.
        frames: Iterable of images (1, N, H, W, 3) uint8 RGB and fx (1, N); some dozens of real, varied ones.

    Raises:
        ValueError: If there are no frames.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError('int8 calibration needs frames, found none')

    def all_frames():
        yield first
        yield from frames

    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / 'prepared.onnx'
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(str(prepared)).graph
        inside = between_convolutions(graph)
        kept = [node.name for node in graph.node if node.name not in inside]
        quantize_static(
            str(prepared),
            str(path),
            Frames(all_frames()),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=['Conv', 'Add', 'MaxPool', 'Resize'],
            nodes_to_exclude=kept,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
