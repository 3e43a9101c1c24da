"""The deployed student: ONNX Runtime on the GPU, float16, torch.compile."""

import numpy as np
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from fsmde.deployment import DeployableEstimator, OnnxSession, export_onnx

from .check import Finding, NotHereError, check


def student_and_frame(setting):
    """A student with ImageNet's backbone on the CPU, a frame of the built-in world, and its depth there."""
    model, batch = setting.model_and_batch(setting.config('fsmde_sup_ddad'), frames=1)
    # Layers that are not trained normalise by what they see. By nothing they multiply, and rounding's errors with it.
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        model(**model.data_preprocessor(batch, training=True), mode='loss')
        images = batch['inputs']['img'][0].flip(1).permute(0, 2, 3, 1)[None].contiguous()
        fx = torch.full(images.shape[:2], 0.6 * images.shape[3])
        depth = DeployableEstimator(model.eval())(images, fx)
    return model, images.numpy(), fx.numpy(), depth.numpy()


def worst(found, expected):
    """Largest relative difference of depth."""
    return float((np.abs(found - expected) / expected).max())


@check(
    'The exported graph in ONNX Runtime',
    'float32 as tools/deployment/export_onnx.py asks for it; in float16 convolutions round to 5e-4, some fifty after '
    'another, and the expectation over bins stays in float32.',
)
def onnx_graphs(setting):
    """The float32 graph and the float16 one, by the CUDA provider, in a dry run by the CPU's."""
    try:
        import onnxruntime
    except ImportError as error:
        raise NotHereError('ONNX Runtime is not installed: pip install onnx onnxscript onnxruntime-gpu') from error
    provider = 'CUDAExecutionProvider' if setting.gpu else 'CPUExecutionProvider'
    if provider not in onnxruntime.get_available_providers():
        raise NotHereError(
            f'this ONNX Runtime has no {provider}: pip uninstall onnxruntime, pip install onnxruntime-gpu'
        )
    from fsmde.deployment.onnx_float16 import to_float16

    estimator, images, fx, expected = student_and_frame(setting)
    paths = [setting.folder / f'student_{precision}.onnx' for precision in ('float32', 'float16')]
    export_onnx(DeployableEstimator(estimator), paths[0], images.shape[2:4])
    to_float16(*paths)
    # Its convolutions would use TF32.
    providers = [('CUDAExecutionProvider', dict(use_tf32=0))] if setting.gpu else [provider]
    for path, limit in zip(paths, (1e-3, 2e-2)):
        session = OnnxSession(path, providers=providers)
        yield Finding(
            f'{path.stem}: depth, largest relative difference', worst(session(images, fx)[0], expected), limit
        )


@check('torch.compile', 'Fused kernels keep float32 and add in another order.')
def compiled(setting):
    """Depth of the compiled student, in a dry run without a compiler."""
    estimator, images, fx, expected = student_and_frame(setting)
    deployable = DeployableEstimator(estimator).to(setting.device)
    forward = torch.compile(deployable, backend='aot_eager' if setting.dry_run else 'inductor')
    with torch.no_grad():
        found = forward(*(torch.from_numpy(value).to(setting.device) for value in (images, fx)))
    yield Finding('depth, largest relative difference', worst(found.cpu().numpy(), expected), 1e-3)
