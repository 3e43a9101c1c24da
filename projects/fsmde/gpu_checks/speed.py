"""Figures of this machine: memory and frames a second, where a step's time goes, and how often it waits."""

import gc
import warnings
from functools import partial

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch.utils.data._utils.pin_memory import pin_memory

from fsmde.deployment import DeployableEstimator
from fsmde.deployment.latency import peak_memory, summarise, time_runs

from .check import Finding, check
from .host_waits import host_waits
from .processes import run_tool


def reset_memory():
    """Forget the peak so far; what nobody holds any more goes back."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def times(setting):
    """How often to time, of :func:`fsmde.deployment.latency.time_runs`."""
    return dict(warmup=1, repeats=3, seconds=0.0) if setting.dry_run else dict(warmup=3, repeats=10, seconds=10.0)


def training_rows(setting, name):
    """(what, figures) of training steps of a config's batch size, without the loader, in float32 and under autocast."""
    path = setting.config(name, full_size=True)
    cfg = Config.fromfile(path)
    frames = 1 if setting.dry_run else cfg.train_dataloader.batch_size
    model, batch = setting.model_and_batch(path, frames)
    model.to(setting.device)
    for dtype in (None, torch.float16, torch.bfloat16):
        reset_memory()
        optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)

        def step(dtype=dtype, optim_wrapper=optim_wrapper):
            with torch.autocast(setting.device, dtype, enabled=dtype is not None):
                model.train_step(batch, optim_wrapper)

        row = summarise(time_runs(step, torch.device(setting.device), **times(setting)))
        kind = str(dtype or torch.float32).removeprefix('torch.')
        yield f'{name}, training, {kind}, {frames} frames', row, frames, peak_memory(torch.device(setting.device))


def inference_rows(setting, name):
    """(what, figures) of one frame of six cameras from normalised images on the device."""
    model, batch = setting.model_and_batch(setting.config(name, full_size=True), 1)
    data = model.to(setting.device).data_preprocessor(batch)
    images = data['inputs']['img']
    fx = torch.full(images.shape[:2], 0.6 * images.shape[-1], device=setting.device)
    for dtype in (torch.float32, torch.float16):
        reset_memory()
        deployable = DeployableEstimator(model, dtype=dtype).to(setting.device)
        with torch.no_grad():
            runs = time_runs(partial(deployable.predict, images, fx), torch.device(setting.device), **times(setting))
        kind = str(dtype).removeprefix('torch.')
        yield f'{name}, inference, {kind}', summarise(runs), 1, peak_memory(torch.device(setting.device))


@check('Memory and frames a second', 'Figures to compare with those of other machines; nothing is asked of them.')
def memory_and_speed(setting):
    """Of training steps and of inference, for the shipped configs, at their image size."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = True
    rows = ['| | median ms | frames/s | peak MiB |', '|---|---|---|---|']
    try:
        for name in setting.speed_configs:
            for kind in (training_rows, inference_rows):
                for what, row, frames, memory in kind(setting, name):
                    rows.append(f'| {what} | {row["median_ms"]:.1f} | {frames * row["fps"]:.2f} | {memory:.0f} |')
    finally:
        torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = False
    yield '\n'.join(rows)


@check("Where a step's time goes", 'By tools/analysis_tools/profile_step.py; nothing is asked of it.')
def parts_of_a_step(setting):
    """The table of the profiler for the distilled config."""
    options = ['--data-root', setting.world, '--steps', 1 if setting.dry_run else 10]
    said = run_tool(setting, 'analysis_tools/profile_step.py', setting.config(full_size=True), *options)
    yield said[said.index('| part |') :].strip()


def waits_on_a_gpu(function) -> list:
    """(what, file:line) of each operation of a call that torch knows to make the host wait."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        torch.cuda.set_sync_debug_mode('warn')
        try:
            function()
        finally:
            torch.cuda.set_sync_debug_mode('default')
    return [('wait', f'{w.filename}:{w.lineno}') for w in found if 'called a synchronizing' in str(w.message)]


@check(
    'How often a step waits for the host',
    "mmengine writes the gradients' norm down, once a step. Anything else lets the device run dry in the middle of a step.",
)
def host_waits_of_a_step(setting):
    """Told by torch where there is a GPU, else on torch's meta device."""
    path = setting.config()
    model, batch = setting.model_and_batch(path)
    model.to(setting.device)
    optim_wrapper = build_optim_wrapper(model, Config.fromfile(path).optim_wrapper)
    model.train_step(batch, optim_wrapper)  # What is made once, and the teacher's first answer.
    if setting.gpu:
        waits = waits_on_a_gpu(partial(model.train_step, pin_memory(batch), optim_wrapper))
    else:
        model.to('meta')
        model.teacher.network.to('meta')
        optim_wrapper = build_optim_wrapper(model, Config.fromfile(path).optim_wrapper)
        with host_waits() as waits:
            model.train_step(batch, optim_wrapper)
    yield Finding('waits', len(waits), 1)
    yield '\n'.join(f'- {what}: `{place}`' for what, place in waits)
