"""An int8 copy of an exported graph, calibrated on real frames."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from fsmde.output_files import write_bytes

from .onnx_bytes import BYTES, fold_normalisation, read_bytes
from .onnx_regions import between_convolutions

#: Key of the graph's ``metadata_props`` whose value says, as json, what was quantised how.
METADATA = 'fsmde.int8'
#: What :func:`to_int8` gives ``quantize_static`` (docs/deployment.md: what others of its forms cost).
FORM = dict(
    activation_type=QuantType.QUInt8,
    weight_type=QuantType.QInt8,
    per_channel=True,
    # 7 bits. Without VNNI, x86 processors add two products of a uint8 and an int8 in 16 bits (vpmaddubsw): from 8-bit
    # weights that saturates, silently; 2 * 255 * 64 = 32640 fits.
    reduce_range=True,
    # The few largest activations would stretch the steps of all others.
    calibrate_method=CalibrationMethod.Percentile,
)
PERCENTILE = 99.99


class Frames(CalibrationDataReader):
    """Feeds (images, fx) pairs, numpy, to the calibration, in ranges so that it need not hold all activations at once."""

    def __init__(self, frames):
        self.frames, self.asked = list(frames), iter(())

    def __len__(self):
        return len(self.frames)

    def set_range(self, start_index, end_index):
        self.asked = iter(self.frames[start_index:end_index])

    def get_next(self):
        frame = next(self.asked, None)
        return frame and dict(images=np.asarray(frame[0]), fx=np.asarray(frame[1], dtype=np.float32))


def pool_before_rectifying(graph) -> None:
    """Turn each MaxPool of a Relu, in place, into the Relu of a MaxPool, which is the same.

    ONNX Runtime moves the rounding to int8 that follows a float32 MaxPool before it, and has no fast MaxPool of bytes in
    this layout: of a half-width ResNet-18 it takes longer than any convolution. A Relu between the two keeps them apart.
    """
    users, given = {}, {value.name for value in graph.output}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    for relu in graph.node:
        pools = users.get(relu.output[0], []) if relu.op_type == 'Relu' and relu.output[0] not in given else []
        if len(pools) != 1 or pools[0].op_type != 'MaxPool' or len(pools[0].output) != 1:
            continue
        pool = pools[0]
        pool.input[0], pool.output[0], relu.input[0], relu.output[0] = (
            relu.input[0],
            relu.output[0],
            relu.output[0],
            pool.output[0],
        )
        behind = list(graph.node).index(pool)
        for value in [value for value in graph.value_info if value.name == pool.output[0]]:
            graph.value_info.remove(value)  # Its shape was that before pooling.
        # Nodes stand in the order in which they run.
        moved = onnx.NodeProto()
        moved.CopyFrom(relu)
        relu.CopyFrom(pool)
        graph.node[behind].CopyFrom(moved)


def clips_that_stay(graph) -> set:
    """Names of the Clip nodes whose bounds do not hold zero, or are computed.

    The range of a tensor in int8 always holds zero: it cannot stand in for such a Clip.
    """
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    stay = set()
    for node in graph.node:
        if node.op_type == 'Clip':
            low, high = (constants.get(name) if name else 0 for name in [*node.input[1:], '', ''][:2])
            if low is None or high is None or not low <= 0 <= high:
                stay.add(node.name)
    return stay


def to_int8(source, path, frames, first=True, percentile=PERCENTILE, **form) -> None:
    """Write a copy of a float32 graph whose convolutions run in int8, statically calibrated (QDQ format).

    Weights are quantised by output channel, to 7 bits, activations by tensor with the ranges that ``frames`` show. The
    first convolution reads the images' bytes, see :mod:`fsmde.deployment.onnx_bytes`. The form stands in the file's
    ``metadata_props`` as :data:`METADATA`.

    Args:
        source: Path of a graph of :func:`fsmde.deployment.export_onnx`.
        path: File to write.
        frames: Iterable of images (1, N, H, W, 3) uint8 RGB and fx (1, N); some dozens of real, varied ones.
        first: Whether to quantise the first convolution too, if the graph begins as an exported one does.
        percentile: Of the activations that a range keeps.
        **form: Arguments of ``quantize_static`` in the place of :data:`FORM`'s.

    Raises:
        ValueError: If there are no frames.
    """
    frames, form = Frames(frames), {**FORM, **form}
    if not len(frames):
        raise ValueError('int8 calibration needs frames, found none')
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantised = Path(folder) / 'prepared.onnx', Path(folder) / 'quantised.onnx'
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(str(prepared))
        graph = model.graph
        inside = between_convolutions(graph) - clips_that_stay(graph)
        overrides = {}
        zero = fold_normalisation(graph) if first else None
        if zero is None:
            # Its input, the images, has as many steps as uint8: rounding them again is the largest single error.
            inside.remove(next(node.name for node in graph.node if node.op_type == 'Conv'))
            pool_before_rectifying(graph)
        else:
            overrides[BYTES] = [dict(scale=np.array(1, np.float32), zero_point=np.array(zero, np.uint8))]
        onnx.save(model, str(prepared))
        with contextlib.redirect_stdout(io.StringIO()):  # Its histograms print a line a frame.
            quantize_static(
                str(prepared),
                str(quantised),
                frames,
                quant_format=QuantFormat.QDQ,
                # Relu and Clip go, but for clips_that_stay: the range of what they give, rounded once, is what the
                # operation before them clips to.
                op_types_to_quantize=['Conv', 'Add', 'MaxPool', 'Resize', 'Relu', 'Clip'],
                nodes_to_exclude=[node.name for node in graph.node if node.name not in inside],
                # Frame by frame, whatever the method: the name is of the first one that could.
                extra_options=dict(CalibStridedMinMax=1, CalibPercentile=percentile, TensorQuantOverrides=overrides),
                **form,
            )
        model = onnx.load(str(quantised))
        if zero is not None:
            read_bytes(model.graph)
    description = dict(
        {key: getattr(value, 'name', value) for key, value in form.items()},
        first_convolution='float32' if zero is None else 'int8',
        calibration_frames=len(frames),
    )
    if form['calibrate_method'] == CalibrationMethod.Percentile:
        description['percentile'] = percentile
    model.metadata_props.add(key=METADATA, value=json.dumps(description))
    write_bytes(path, model.SerializeToString())
