"""Evaluate a model: ``python tools/test.py CONFIG CHECKPOINT [--data-root DIR] [--out DIR] [--show-dir DIR]``."""

import argparse
import os

from mmengine.config import DictAction

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine import evaluate
from fsmde.engine.config_files import add_data_root, read_config
from fsmde.engine.launch import work_dir_of


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help="config file; for a distilled run the plain student's config works too")
    parser.add_argument('checkpoint', help='checkpoint file, or folder of a published model')
    add_data_root(parser)
    parser.add_argument(
        '--work-dir', help='where logs, results.json and tables go; work_dirs/<config name> by default'
    )
    parser.add_argument(
        '--protocol', nargs='+', help='fsmde, surrounddepth, vfdepth, fsmde_dense; see docs/evaluation.md'
    )
    parser.add_argument(
        '--flip', action='store_true', help='average with the mirrored images, as surrounddepth asks for'
    )
    parser.add_argument('--out', help='folder for predicted depth maps: 16-bit PNG, metres * 256')
    parser.add_argument('--show-dir', help="folder for six-camera panels and bird's-eye views")
    parser.add_argument('--overwrite', action='store_true', help='replace what is in these folders of the same names')
    parser.add_argument('--show-interval', type=int, default=1, help='draw every so many-th frame')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='settings such as test_dataloader.num_workers=0'
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int)
    args = refuse_empty_options(parser, parser.parse_args())
    if args.local_rank is not None:
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


@mistakes_in_one_line('test')
def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or work_dir_of(args.config)
    hooks = list(cfg.get('custom_hooks') or [])
    if args.out:
        hooks.append(dict(type='DepthWriterHook', out_dir=args.out, overwrite=args.overwrite))
    if args.show_dir:
        pictures = dict(show_dir=args.show_dir, interval=args.show_interval, overwrite=args.overwrite)
        hooks.append(dict(type='SurroundVisualizationHook', **pictures))
    cfg.custom_hooks = hooks
    evaluate(cfg, args.checkpoint, args.config, args.protocol, args.flip, args.launcher)


if __name__ == '__main__':
    main()
