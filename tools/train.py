"""Train a model: ``python tools/train.py CONFIG [--data-root DIR] [--resume [CHECKPOINT]] [--amp] [...]``.

One training at a time works in a work directory. A config is code: run only those you trust.
"""

import argparse
import os

from mmengine.config import DictAction
from mmengine.runner import Runner

import fsmde  # noqa: F401
from fsmde.concurrency import BusyError, only_one
from fsmde.engine import (
    SameScheduleHook,
    check_resumable,
    check_student_checkpoint,
    checkpoint_to_resume,
    find_latest_checkpoint,
)
from fsmde.engine.launch import (
    end_distribution,
    read_config,
    refuse_empty_options,
    setup_distribution,
    use_amp,
    work_dir_lock,
    work_dir_of,
)
from fsmde.engine.settings import check_settings


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--data-root',
        action='append',
        help='folder of the data set; replaces data_root of every data set. Where a config mixes some: NAME=FOLDER, '
        'once for each',
    )
    parser.add_argument('--work-dir', help='where logs and checkpoints go; work_dirs/<config name> by default')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='newest',
        help='go on from a checkpoint, by default the one with the largest number in the work directory; "auto": from '
        'that, or from the beginning where there is none',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help="train in mixed precision (needs an accelerator), in the optimizer wrapper's dtype, by default float16",
    )
    parser.add_argument('--amp-dtype', choices=['float16', 'bfloat16'], help='train in mixed precision of this type')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale the learning rate to the total batch size')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='settings such as model.max_depth=80')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = refuse_empty_options(parser, parser.parse_args())
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def checkpoint_of(resume, work_dir):
    """The checkpoint that ``--resume`` means, None to begin."""
    if resume == 'newest':
        return checkpoint_to_resume(work_dir)
    newest = find_latest_checkpoint(work_dir)
    if resume == 'auto':
        print(f'{work_dir}: ' + (f'going on from {newest}' if newest else 'nothing to resume, training begins'))
        return newest
    if resume:
        return resume
    if newest:
        raise FileExistsError(
            f'{work_dir} holds checkpoints of an earlier run: go on with --resume, or choose another --work-dir'
        )
    return None


def train(cfg, args):
    """Train in the work directory of a config, which nobody else uses."""
    # What mmengine calls resuming trusts a file of paths, which a copied folder takes along.
    resume = args.resume or (cfg.get('resume') and (cfg.get('load_from') or 'auto'))
    checkpoint = checkpoint_of(resume, cfg.work_dir)
    cfg.resume = bool(checkpoint)
    if checkpoint:
        check_resumable(checkpoint)
        cfg.load_from = checkpoint
    setup_distribution(cfg, args.launcher)
    runner = Runner.from_cfg(cfg)
    if checkpoint:
        check_student_checkpoint(runner.model, checkpoint)
        runner.register_hook(SameScheduleHook())
    runner.train()
    end_distribution()


def main():
    args = parse_args()
    try:
        cfg = read_config(args.config, args.data_root, args.cfg_options)
        cfg.work_dir = args.work_dir or cfg.get('work_dir') or work_dir_of(args.config)
        if args.amp or args.amp_dtype:
            use_amp(cfg, args.amp_dtype)
        if args.auto_scale_lr:
            if 'auto_scale_lr' not in cfg:
                raise ValueError('--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config')
            cfg.auto_scale_lr.enable = True
        check_settings(cfg)
        if args.resume == 'newest':
            checkpoint_to_resume(cfg.work_dir)  # The lock would make a folder of a misspelt name.
        with only_one(work_dir_lock(cfg.work_dir), 'another training'):
            train(cfg, args)
    except (FileNotFoundError, FileExistsError, BusyError) as error:
        raise SystemExit(f'train: {error}') from error


if __name__ == '__main__':
    main()
