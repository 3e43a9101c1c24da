"""Running an exported graph with ONNX Runtime, and comparing it with torch."""

import numpy as np
import torch

from .deployable import DeployableEstimator
from .onnx_export import OUTPUTS
from .session_inputs import check_inputs

#: Types of arrays that ONNX Runtime calls otherwise than numpy.
_TYPES = {'float': 'float32', 'double': 'float64'}


class OnnxSession:
    """A graph of :func:`fsmde.deployment.export_onnx` in ONNX Runtime.

    Args:
        path: The graph.
        threads: Number of CPU threads, None for the runtime's own choice.
        providers: ONNX Runtime's execution providers in order of preference; the CPU by default.

    Raises:
        ImportError: If onnxruntime is not installed, or has not all of the providers.
    """

    def __init__(self, path, threads: int = None, providers: tuple = ('CPUExecutionProvider',)):
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError('running a graph needs ONNX Runtime: pip install onnxruntime') from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads:
            options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=list(providers))
        names = [provider if isinstance(provider, str) else provider[0] for provider in providers]
        absent = [name for name in names if name not in self.session.get_providers()]
        if absent:  # It goes on without them.
            raise ImportError(
                f'ONNX Runtime cannot use {", ".join(absent)} here, and would run on {self.session.get_providers()[0]}; it '
                f'was built with {", ".join(onnxruntime.get_available_providers())}. For CUDA: pip uninstall onnxruntime, '
                'pip install onnxruntime-gpu, with the CUDA and cuDNN that it asks for'
            )
        self.path = path
        self.shapes = {node.name: node.shape for node in self.session.get_inputs()}
        types = {node.name: node.type[len('tensor(') : -1] for node in self.session.get_inputs()}
        self.expected = {name: (_TYPES.get(types[name], types[name]), shape) for name, shape in self.shapes.items()}
        self.inputs = list(self.shapes)
        self.outputs = [node.name for node in self.session.get_outputs()]

    def __call__(self, *values) -> list:
        """Run on numpy arrays in the order of the graph's inputs: images (B, N, H, W, 3) uint8 RGB and fx (B, N).

        Raises:
            ValueError: If they are not what the graph takes.
        """
        values = check_inputs(self.path, self.expected, values)
        return self.session.run(None, dict(zip(self.inputs, values)))


def check_parity(session: OnnxSession, deployable: DeployableEstimator, image_size: tuple, tolerance: float = 1e-3):
    """Compare a graph with the module it was exported from, at several batch sizes and camera counts.

    Args:
        image_size: (H, W) it was exported for.
        tolerance: Largest relative difference of depth and centers, and absolute difference of probabilities.

    Returns:
        float: The largest difference.

    Raises:
        ValueError: If they differ by more; names batch size, camera count and output.
    """
    rng, worst = np.random.default_rng(0), 0.0
    for B, N in ((1, 1), (1, 6), (2, 3)):
        images = rng.integers(0, 256, (B, N, *image_size, 3), dtype=np.uint8)
        fx = rng.uniform(0.5, 1.5, (B, N)).astype(np.float32) * image_size[1]
        found = session(images, fx)
        with torch.no_grad():
            expected = deployable(torch.from_numpy(images), torch.from_numpy(fx))
        for name, a, b in zip(OUTPUTS, found, expected if deployable.with_bins else [expected]):
            b = b.numpy()
            difference = float((np.abs(a - b) / (1 if name == 'probabilities' else np.abs(b))).max())
            if not difference <= tolerance:
                raise ValueError(
                    f'the exported graph differs from the model: {name} by {difference:.2g} for {B} frames of {N} '
                    f'cameras (at most {tolerance} is allowed). A backbone that makes its batch size a constant when it '
                    'is traced, as windowed attention does, cannot be exported with a dynamic one'
                )
            worst = max(worst, difference)
    return worst
