"""Train a model: ``python tools/train.py CONFIG [--data-root DIR] [--resume [CHECKPOINT]] [--amp] [...]``."""

import argparse
import os

from mmengine.config import DictAction
from mmengine.runner import Runner

import fsmde  # noqa: F401
from fsmde.engine import check_student_checkpoint, find_latest_checkpoint
from fsmde.engine.launch import end_distribution, read_config, setup_distribution, use_amp, work_dir_of


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--work-dir', help='where logs and checkpoints go; work_dirs/<config name> by default')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from a checkpoint, by default the newest in the work directory',
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision (needs an accelerator)')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale the learning rate to the total batch size')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='settings such as model.max_depth=80')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or work_dir_of(args.config)
    if args.amp:
        use_amp(cfg)
    if args.auto_scale_lr:
        if 'auto_scale_lr' not in cfg:
            raise SystemExit('--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config')
        cfg.auto_scale_lr.enable = True
    checkpoint = find_latest_checkpoint(cfg.work_dir) if args.resume == 'auto' else args.resume
    if checkpoint:
        cfg.load_from, cfg.resume = checkpoint, True
    elif not args.resume and find_latest_checkpoint(cfg.work_dir):
        raise SystemExit(
            f'{cfg.work_dir} holds checkpoints of an earlier run: go on with --resume, or choose another --work-dir'
        )
    setup_distribution(cfg, args.launcher)
    runner = Runner.from_cfg(cfg)
    if checkpoint:
        check_student_checkpoint(runner.model, checkpoint)
    runner.train()
    end_distribution()


if __name__ == '__main__':
    main()
