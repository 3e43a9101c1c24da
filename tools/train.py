"""Train a model: ``python tools/train.py CONFIG [--data-root DIR] [--resume [CHECKPOINT]] [--amp] [...]``.

One training at a time works in a work directory. A config is code: run only those you trust.
"""

import argparse
import os

from mmengine.config import DictAction

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine import train
from fsmde.engine.config_files import add_data_root, read_config
from fsmde.engine.launch import use_amp, work_dir_of


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    add_data_root(parser)
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
    parser.add_argument('--local_rank', '--local-rank', type=int)
    args = refuse_empty_options(parser, parser.parse_args())
    if args.local_rank is not None:
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


@mistakes_in_one_line('train')
def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or work_dir_of(args.config)
    if args.amp or args.amp_dtype:
        use_amp(cfg, args.amp_dtype)
    if args.auto_scale_lr:
        if 'auto_scale_lr' not in cfg:
            raise ValueError('--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config')
        cfg.auto_scale_lr.enable = True
    train(cfg, args.resume, args.launcher)


if __name__ == '__main__':
    main()
