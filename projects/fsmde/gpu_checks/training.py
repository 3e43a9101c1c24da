"""The commands that users type, on this machine: training, mixed precision, resuming, several GPUs."""

import json
import math
import shutil
import socket
from pathlib import Path

import torch

from .check import Finding, NotHereError, check
from .processes import finish, run_tool, start_tool

#: --cfg-options of a single epoch without validation.
ONE_EPOCH = 'train_cfg.max_epochs=1', 'train_cfg.val_begin=2'
TWO_EPOCHS = ('train_cfg.max_epochs=2',)


def train(setting, name, *options, length=ONE_EPOCH):
    """Train on the built-in world by tools/train.py; the work directory."""
    work_dir = setting.folder / name
    run_tool(setting, 'train.py', setting.config(), '--work-dir', work_dir, *options, '--cfg-options', *length)
    return work_dir


def logged(work_dir: Path) -> list:
    """Total losses of the iterations of the newest run in a work directory."""
    newest = max(work_dir.glob('*/vis_data/scalars.json'))
    rows = [json.loads(line) for line in newest.read_text().splitlines()]
    return [row['loss'] for row in rows if 'loss' in row]


def not_finite(losses):
    """A finding: how many losses are not finite, and all if there are none."""
    return Finding('logged losses that are not finite', sum(not math.isfinite(x) for x in losses) if losses else 1, 0)


@check(
    'Training and --resume',
    'Both runs of the second epoch begin with the same weights: the first loss differs by rounding, of TF32 too. '
    'Later ones drift apart, since kernels that add in any order are not repeatable.',
)
def resume(setting):
    """Two epochs at a stretch, validation included, and the second of them again from the first's checkpoint."""
    straight = train(setting, 'straight', length=TWO_EPOCHS)
    losses = logged(straight)
    yield not_finite(losses)
    again = setting.folder / 'resumed'
    again.mkdir()
    shutil.copy(straight / 'epoch_1.pth', again)
    train(setting, 'resumed', '--resume', length=TWO_EPOCHS)
    resumed = logged(again)
    second = losses[len(losses) // 2 :]
    yield Finding('iterations of the second epoch, too few or too many', abs(len(resumed) - len(second)), 0)
    yield Finding('first loss behind --resume, relative', abs(resumed[0] / second[0] - 1), 5e-3)
    yield Finding('last loss behind --resume, relative', abs(resumed[-1] / second[-1] - 1), 0.1)


@check(
    'Training with --amp',
    'The first loss is that of the same weights, batch and random choices as in float32, but for rounding.',
)
def amp(setting):
    """An epoch in float32 and in both types; in a dry run, for want of a GPU, in float32 again."""
    expected = logged(train(setting, 'float32'))
    for dtype, limit in (('float16', 0.02), ('bfloat16', 0.1)):
        losses = logged(train(setting, dtype, *(['--amp-dtype', dtype] if setting.gpu else [])))
        yield not_finite(losses)
        yield Finding(f'{dtype}: first loss, relative', abs(losses[0] / expected[0] - 1), limit)


@check('Two ranks', 'Each rank has half of the frames: only that they train together is looked at.')
def two_ranks(setting):
    """An epoch with two processes, by NCCL on two GPUs, in a dry run by gloo."""
    if setting.gpu and torch.cuda.device_count() < 2:
        raise NotHereError('there is one GPU')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    work_dir = setting.folder / 'two_ranks'
    options = ['--work-dir', work_dir, '--launcher', 'pytorch', '--cfg-options', *ONE_EPOCH]
    environ = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=port, WORLD_SIZE='2')
    ranks = [
        start_tool(
            setting, 'train.py', setting.config(), *options, rank=rank, RANK=str(rank), LOCAL_RANK=str(rank), **environ
        )
        for rank in range(2)
    ]
    for rank in ranks:
        finish(*rank)
    yield not_finite(logged(work_dir))
    yield Finding('checkpoints that are missing', 1 - (work_dir / 'epoch_1.pth').exists(), 0)
