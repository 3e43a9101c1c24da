"""Running an exported graph with OpenVINO."""

import numpy as np

from .session_inputs import check_inputs

PRECISIONS = dict(float32='f32', bfloat16='bf16')


class OpenVinoSession:
    """A graph of :func:`fsmde.deployment.export_onnx`, its int8 form too, in OpenVINO on the CPU.

    Interface as :class:`fsmde.deployment.OnnxSession`. It is compiled for each shape of inputs when that first comes, which
    takes seconds: of sizes that may vary OpenVINO makes a slower program.

    Args:
        path: The graph.
        threads: Number of CPU threads, None for the runtime's own choice.
        precision: 'float32', or 'bfloat16' of everything that may be; processors without it compute in float32.

    Raises:
        ImportError: If openvino is not installed.
        ValueError: If there is no such precision.
    """

    def __init__(self, path, threads: int = None, precision: str = 'float32'):
        try:
            import openvino
        except ImportError as error:
            raise ImportError('running a graph in OpenVINO needs it: pip install openvino') from error
        if precision not in PRECISIONS:
            raise ValueError(f'OpenVINO runs in {" or ".join(PRECISIONS)}, found {precision!r}')
        self.path, self.core = path, openvino.Core()
        self.model = self.core.read_model(str(path))
        self.settings = dict(INFERENCE_PRECISION_HINT=PRECISIONS[precision], PERFORMANCE_HINT='LATENCY')
        if threads:
            self.settings['INFERENCE_NUM_THREADS'] = threads
        self.inputs = [port.any_name for port in self.model.inputs]
        self.outputs = [port.any_name for port in self.model.outputs]
        self.shapes = {
            port.any_name: [side.get_length() if side.is_static else None for side in port.partial_shape]
            for port in self.model.inputs
        }
        types = [port.element_type.to_dtype() for port in self.model.inputs]
        self.expected = {name: (dtype, shape) for dtype, (name, shape) in zip(types, self.shapes.items())}
        self.requests = {}

    def __call__(self, *values) -> list:
        """See :class:`fsmde.deployment.OnnxSession`."""
        values = check_inputs(self.path, self.expected, values)
        shapes = tuple(value.shape for value in values)
        if shapes not in self.requests:
            model = self.model.clone()
            model.reshape(dict(zip(self.inputs, map(list, shapes))))
            self.requests[shapes] = self.core.compile_model(model, 'CPU', self.settings).create_infer_request()
        values = [np.ascontiguousarray(value) for value in values]
        found = self.requests[shapes].infer(dict(zip(self.inputs, values)), share_inputs=True)
        return [found[name] for name in self.outputs]
