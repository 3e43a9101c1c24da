"""Whether a GPU computes what a CPU computes."""

import copy

import torch
from mmdet3d.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from fsmde.config_types import type_name

from .check import Finding, check
from .processes import run_tool
from .setting import batch_of


def losses_and_gradients(model, batch, device, dtype=None):
    """Losses of one training step and the gradient of the student's parameters as one vector, on the CPU."""
    model = copy.deepcopy(model).to(device)
    data = model.data_preprocessor(batch, training=True)
    scaler = torch.amp.GradScaler(device, init_scale=2.0**10, enabled=dtype is torch.float16)
    with torch.autocast(device, dtype, enabled=dtype is not None):
        losses = model(**data, mode='loss')
        total, _ = model.parse_losses(losses)
    scaler.scale(total).backward()
    scale = scaler.get_scale()
    gradient = [p.grad.flatten() / scale for p in model.parameters() if p.grad is not None]
    return {name: value.item() for name, value in losses.items()}, torch.cat(gradient).double().cpu()


def compare(what, found, expected, loss_limit, gradient_limit):
    """Findings of two results of :func:`losses_and_gradients`."""
    losses, gradient = found
    expected_losses, expected_gradient = expected
    for name, value in expected_losses.items():
        yield Finding(f'{what}: {name}, relative', abs(losses[name] - value) / max(abs(value), 1e-3), loss_limit)
    distance = (gradient - expected_gradient).norm() / expected_gradient.norm()
    yield Finding(f'{what}: gradient, its distance over its length', distance.item(), gradient_limit)


@check(
    'A distilled step in float32 against the CPU',
    'Sums in another order differ by 1e-7 of their terms; some fifty layers with batch statistics, and rectifiers that '
    'switch, multiply it. TF32 keeps 10 bits of each factor, 1e-3.',
)
def float32_step(setting):
    """Losses and gradients with the same weights and batch, with convolutions in float32 and in TF32."""
    model, batch = setting.model_and_batch(setting.config())
    expected = losses_and_gradients(model, batch, 'cpu')
    yield from compare('float32', losses_and_gradients(model, batch, setting.device), expected, 1e-3, 2e-2)
    torch.backends.cudnn.allow_tf32 = True
    try:
        yield from compare('TF32', losses_and_gradients(model, batch, setting.device), expected, 1e-2, 0.2)
    finally:
        torch.backends.cudnn.allow_tf32 = False


@check(
    'A distilled step in mixed precision against float32',
    'float16 has 11 bits, bfloat16 8. Losses are computed in float32 of outputs that carry that error; of the gradient '
    'only the direction has to hold. The limits are twice or more what autocast on a CPU shows at this size.',
)
def mixed_precision_step(setting):
    """Losses and gradients under autocast, with a scaled loss in float16."""
    model, batch = setting.model_and_batch(setting.config())
    expected = losses_and_gradients(model, batch, setting.device)
    for dtype, losses, gradient in ((torch.float16, 0.02, 0.2), (torch.bfloat16, 0.1, 0.7)):
        found = losses_and_gradients(model, batch, setting.device, dtype)
        yield from compare(str(dtype).removeprefix('torch.'), found, expected, losses, gradient)


@check(
    'The live teacher in half precision against float32',
    'float16 rounds each of some dozen layers to 5e-4. Distillers align or normalise the answer, so the error counts in '
    'units of its own spread over a view.',
)
def half_precision_teacher(setting):
    """Depth of a teacher with random weights on the device, as in training, and on the CPU."""
    model, batch = setting.model_and_batch(setting.config(), frames=1)
    data = model.data_preprocessor(batch, training=True)
    images = data['inputs']['teacher_img']
    cam2img = torch.as_tensor(data['data_samples'][0].teacher_cam2img, dtype=torch.float32)[None]
    expected = model.teacher(images, cam2img)
    found = model.teacher(images.to(setting.device), cam2img.to(setting.device))
    spread = expected.depth.flatten(2).std(-1).clamp(min=1e-6)
    error = (found.depth.cpu() - expected.depth).flatten(2).square().mean(-1).sqrt() / spread
    yield Finding('depth: worst view, RMS error / standard deviation', error.max().item(), 0.05)
    features = (found.features.cpu() - expected.features).norm() / expected.features.norm()
    yield Finding('features: their distance over their length', features.item(), 0.05)
    yield Finding(
        'pixels that are valid on one side only', (found.valid.cpu() != expected.valid).float().mean().item(), 0
    )


@check(
    'A cached teacher against the live one',
    'A cache holds float16: 5e-4 of each number. The cache is written by tools/cache_teacher.py on this device.',
)
def cached_teacher(setting):
    """Losses of a step from a cache's answers, and from the teacher itself."""
    path = setting.config()
    cache = setting.folder / 'teacher_cache'
    run_tool(setting, 'cache_teacher.py', path, '--out', cache, '--workers', 0 if setting.dry_run else 2)
    model, batch = setting.model_and_batch(path)
    expected, _ = losses_and_gradients(model, batch, setting.device)
    cfg = Config.fromfile(path)
    pipeline = cfg.train_dataloader.dataset.pipeline
    place = next(i for i, transform in enumerate(pipeline) if type_name(transform) == 'KeepTeacherViews')
    pipeline[place] = dict(type='LoadTeacherAnswers', cache=str(cache))
    cfg.model.teacher = dict(type='CachedTeacher', cache=str(cache), teacher=cfg.model.teacher)
    student = MODELS.build(cfg.model).train()
    student.load_state_dict(model.state_dict())
    losses, _ = losses_and_gradients(student, batch_of(cfg), setting.device)
    for name, value in expected.items():
        yield Finding(f'{name}, relative', abs(losses[name] - value) / max(abs(value), 1e-3), 1e-2)


@check(
    'Evaluation against the CPU',
    'Forward alone, float32, figures averaged over many pixels; shares of pixels under a threshold (d1) may differ by those '
    'that lie on it.',
)
def evaluation(setting):
    """Every figure of the metric on the validation frames, from predictions of either device."""
    # With dense ground truth, too.
    path = setting.config('demo.demo_sup')
    model, _ = setting.model_and_batch(path)
    cfg = Config.fromfile(path)
    dataset = DATASETS.build(cfg.val_dataloader.dataset)

    def figures(device):
        model.to(device).eval()
        metric = METRICS.build(cfg.val_evaluator)
        metric.dataset_meta = dataset.metainfo
        for i in range(min(len(dataset), 8)):
            with torch.no_grad():
                samples = model(**model.data_preprocessor(pseudo_collate([dataset[i]])), mode='predict')
            metric.process(None, [sample.to_dict() for sample in samples])
        return metric.evaluate(min(len(dataset), 8))

    expected, found = figures('cpu'), figures(setting.device)
    differences = {name: abs(found[name] - value) / max(abs(value), 1e-3) for name, value in expected.items()}
    worst = max(differences, key=differences.get)
    yield Finding(f'largest relative difference of {len(expected)} figures ({worst})', differences[worst], 1e-4)
