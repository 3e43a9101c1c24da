"""The deployed student: ONNX Runtime on the GPU, float16, torch.compile."""

import numpy as np
import torch
from mmengine.config import Config

from fsmde.deployment import DeployableEstimator, OnnxSession, build_student, export_onnx

from .check import Finding, NotHereError, check


def student_and_frame(setting):
    """A deployable student with random weights on the CPU, a frame of six cameras, and its depth there."""
    cfg = Config.fromfile(setting.config('fsmde_sup_ddad'))
    torch.manual_seed(0)
    estimator = build_student(cfg.model)
    size = next(t['size'] for t in cfg.test_dataloader.dataset.pipeline if 'size' in t)
    images = np.random.default_rng(0).integers(0, 256, (1, 6, *size, 3), dtype=np.uint8)
    fx = np.full((1, 6), 0.6 * size[1], np.float32)
    with torch.no_grad():
        depth = DeployableEstimator(estimator)(torch.from_numpy(images), torch.from_numpy(fx))
    return estimator, images, fx, depth.numpy()


def worst(found, expected):
    """Largest relative difference of depth."""
    return float((np.abs(found - expected) / expected).max())


@check(
    'The exported graph in ONNX Runtime',
    'float32 as tools/deployment/export_onnx.py asks for it; in float16 convolutions round to 5e-4, some forty after '
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
        used = session.session.get_providers()[0]
        yield Finding(
            f'{path.stem}: fell back to {used}' if used != provider else f'{path.stem}: fell back', used != provider, 0
        )
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
