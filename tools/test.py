"""Evaluate a model: ``python tools/test.py CONFIG CHECKPOINT [--data-root DIR] [--out DIR] [--show-dir DIR]``."""

import argparse
import os
import os.path as osp
import time

from mmengine.config import DictAction
from mmengine.runner import Runner

import fsmde  # noqa: F401
from fsmde.engine import check_student_checkpoint
from fsmde.engine.launch import (
    end_distribution,
    read_config,
    refuse_empty_options,
    setup_distribution,
    work_dir_of,
)
from fsmde.evaluation import SurroundDepthMetric, describe_run


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help="config file; for a distilled run the plain student's config works too")
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--data-root',
        action='append',
        help='folder of the data set; replaces data_root of every data set. Where a config mixes some: NAME=FOLDER, '
        'once for each',
    )
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
    parser.add_argument('--show-interval', type=int, default=1, help='draw every so many-th frame')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='settings such as test_dataloader.num_workers=0'
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = refuse_empty_options(parser, parser.parse_args())
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def set_up_metrics(evaluator, out_dir, run, protocol):
    """Say in a test_evaluator's config, one metric, a list or an Evaluator, where files go and what is evaluated."""
    metrics = evaluator.get('metrics', evaluator) if isinstance(evaluator, dict) else evaluator
    # A MixedEvaluator has metrics for each data set, by name.
    parts = metrics if isinstance(metrics, dict) and 'type' not in metrics else {'': metrics}
    is_ours = lambda kind: kind is SurroundDepthMetric or str(kind).split('.')[-1] == 'SurroundDepthMetric'
    found = False
    for name, of_part in parts.items():
        of_part = of_part if isinstance(of_part, (list, tuple)) else [of_part]
        for number, metric in enumerate(metric for metric in of_part if is_ours(metric['type'])):
            found = True
            folder = out_dir if number == 0 else f'{out_dir}_{number}'
            metric.update(out_dir=osp.join(folder, name) if name else folder, run=run)
            if protocol:
                metric['protocol'] = protocol
    if protocol and not found:
        raise SystemExit('--protocol is for a SurroundDepthMetric, and test_evaluator has none')


def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or work_dir_of(args.config)
    cfg.load_from = args.checkpoint
    if args.flip:
        cfg.model.flip_augmentation = True
    # A folder for each call: figures are not overwritten.
    set_up_metrics(
        cfg.test_evaluator,
        osp.join(cfg.work_dir, time.strftime('test_%Y%m%d_%H%M%S')),
        describe_run(args.config, args.checkpoint, args.flip),
        args.protocol,
    )
    hooks = list(cfg.get('custom_hooks') or [])
    if args.out:
        hooks.append(dict(type='DepthWriterHook', out_dir=args.out))
    if args.show_dir:
        hooks.append(dict(type='SurroundVisualizationHook', show_dir=args.show_dir, interval=args.show_interval))
    cfg.custom_hooks = hooks
    setup_distribution(cfg, args.launcher)
    runner = Runner.from_cfg(cfg)
    check_student_checkpoint(runner.model, args.checkpoint)
    runner.test()
    end_distribution()


if __name__ == '__main__':
    main()
