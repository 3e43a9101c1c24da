"""One self-contained ONNX graph of a student."""

import inspect
import logging
import warnings
from contextlib import contextmanager

import torch

from fsmde.output_files import write_bytes

from .deployable import DeployableEstimator

OUTPUTS = ('depth', 'probabilities', 'centers')
#: Key of the ``metadata_props`` of all forms whose value is the sha256 of the file that the weights were read from.
CHECKPOINT_SHA256 = 'fsmde.checkpoint_sha256'


def export_onnx(deployable: DeployableEstimator, path, image_size: tuple, checkpoint_sha256: str = None) -> None:
    """Write a float32 graph ``images`` (B, N, H, W, 3) uint8 RGB, ``fx`` (B, N) float32 -> ``depth`` (B, N, H, W).

    B and N may be anything at run time; H and W are fixed. With ``with_bins`` the graph also returns ``probabilities``
    (B, N, K, h, w) and ``centers`` (B, N, K).

    Args:
        deployable: On the CPU, in float32.
        path: File to write.
        image_size: (H, W) in pixels.
        checkpoint_sha256: Of the file that the weights come from, for :data:`CHECKPOINT_SHA256`.

    Raises:
        ImportError: If onnx or onnxscript is not installed, or torch is too old to export with sizes that vary.
        ValueError: If the deployable is not in float32.
    """
    check_exporter()
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError('export needs onnx and onnxscript: pip install onnx onnxscript onnxruntime') from error
    if deployable.dtype != torch.float32:
        raise ValueError(f'export in float32, found {deployable.dtype}; to_float16 reduces the finished graph')
    B, N = torch.export.Dim('B'), torch.export.Dim('N')
    # Sizes other than 1 and than each other: an exporter takes those for constants.
    images = torch.zeros(2, 3, *image_size, 3, dtype=torch.uint8)
    fx = torch.ones(2, 3)
    with quiet_exporter():
        program = torch.onnx.export(
            deployable,
            (images, fx),
            dynamo=True,
            dynamic_shapes=({0: B, 1: N}, {0: B, 1: N}),
            input_names=['images', 'fx'],
            output_names=OUTPUTS if deployable.with_bins else OUTPUTS[:1],
            verbose=False,
        )
    model = program.model_proto
    for node in model.graph.node:
        # TensorRT asks no shape of bytes; B and N, all that the exporter asks for, are those of fx, too.
        if node.op_type == 'Shape' and node.input[0] == 'images':
            node.input[0] = 'fx'
    if checkpoint_sha256:
        model.metadata_props.add(key=CHECKPOINT_SHA256, value=checkpoint_sha256)
    write_bytes(path, model.SerializeToString())


def check_exporter() -> None:
    """Raise an ImportError if torch is too old to export with sizes that vary."""
    if 'dynamic_shapes' not in inspect.signature(torch.onnx.export).parameters:
        raise ImportError(
            f'export needs torch 2.5 or newer, found {torch.__version__}: torch.onnx.export has no dynamic_shapes. Export '
            'in an environment that has one; a published model loads in both'
        )


@contextmanager
def quiet_exporter():
    """Silence what the exporter says of torchvision, which is not needed, and of its own deprecations."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield
    logger.setLevel(level)
