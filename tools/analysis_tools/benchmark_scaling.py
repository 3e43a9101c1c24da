"""Training steps a second with several ranks, and memory of a rank, by size of the data set.

    python tools/analysis_tools/benchmark_scaling.py configs/fsmde_sup_resnet34_ddad.py --data-root DDAD --size 192 320 \
        --ranks 1 2 --index-frames 100 1000 12650 --cfg-options model.backbone.depth=18 model.backbone.init_cfg=None

Each rank is a process with one thread, pinned to a CPU of its own; they talk through gloo. A rank reads its own frames,
in its own process, and computes a whole step with the config's batch size: with twice the ranks a step sees twice the
frames. The data set is an index of so many frames, made of copies of the first scene.
"""

import argparse
import json
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import cv2
import numpy as np
import torch
from mmdet3d.registry import MODELS
from mmengine.config import DictAction
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODEL_WRAPPERS, init_default_scope
from mmengine.runner import Runner

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.datasets.repeated_index import write_repeated_index
from fsmde.deployment.latency import peak_memory
from fsmde.engine.config_files import read_config
from fsmde.engine.processes import PROCESSES
from fsmde.output_files import write_text


def train(rank, ranks, folder, args):
    """Take some steps as one of the ranks; rank 0 returns a row of the table."""
    if hasattr(os, 'sched_setaffinity'):
        cpus = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cpus[rank % len(cpus)]})
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    # Of a rank that fails the others take notice after so long.
    wait = timedelta(minutes=5)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/ranks', rank=rank, world_size=ranks, timeout=wait
    )
    init_default_scope('mmdet3d')
    torch.manual_seed(0)
    cfg = read_config(args.config, folder, args.cfg_options)
    for transform in cfg.train_dataloader.dataset.pipeline:
        if args.size and 'size' in transform:
            transform.update(size=tuple(args.size))
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    wrapper = cfg.get('model_wrapper_cfg') or dict(type='MMDistributedDataParallel')
    model = MODEL_WRAPPERS.build(dict(wrapper, module=MODELS.build(cfg.model), device_ids=None)).train()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    batches, seconds = repeat(loader), []
    for _ in range(args.warmup + args.steps):
        start = time.perf_counter()
        model.train_step(next(batches), optim_wrapper)
        seconds.append(time.perf_counter() - start)
    torch.distributed.destroy_process_group()
    step = float(np.median(seconds[args.warmup :]))
    return dict(
        ranks=ranks,
        index_frames=len(loader.dataset),
        steps_s=1 / step,
        frames_s=ranks * loader.batch_size / step,
        index_mib=loader.dataset.data_bytes.nbytes / 2**20,
        peak_mib=peak_memory(torch.device('cpu')),
    )


def repeat(loader):
    """Batches without end."""
    while True:
        yield from loader


def measure(ranks, frames, args):
    """Rank 0's row, of a run in new processes."""
    with tempfile.TemporaryDirectory() as folder:
        write_repeated_index(args.data_root, frames, folder)
        # An executor, not a Pool: a rank that is killed ends the run with an error in place of a wait without end.
        with ProcessPoolExecutor(ranks, PROCESSES) as pool:
            jobs = [pool.submit(train, rank, ranks, folder, args) for rank in range(ranks)]
            return [job.result() for job in jobs][0]


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--data-root', required=True, help='folder of a data set in DGP format')
    parser.add_argument('--ranks', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--index-frames', type=int, nargs='+', default=[1000])
    parser.add_argument('--size', type=int, nargs=2, help="height and width of the views, the config's by default")
    parser.add_argument('--warmup', type=int, default=2)
    parser.add_argument('--steps', type=int, default=8)
    parser.add_argument('--out', help='json file for the figures')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('benchmark_scaling')
def main():
    args = parse_args()
    rows = []
    print(
        '| ranks | frames of the index | steps/s | frames/s | of linear | index MiB | rank 0 MiB |\n|' + ' --- |' * 7
    )
    for frames in args.index_frames:
        for ranks in args.ranks:
            rows.append(measure(ranks, frames, args))
            row, one = rows[-1], next(r for r in rows if r['index_frames'] == rows[-1]['index_frames'])
            linear = row['frames_s'] / one['frames_s'] * one['ranks'] / ranks
            print(
                f'| {ranks} | {frames} | {row["steps_s"]:.2f} | {row["frames_s"]:.2f} | {100 * linear:.0f} % | '
                f'{row["index_mib"]:.1f} | {row["peak_mib"]:.0f} |',
                flush=True,
            )
    if args.out:
        write_text(args.out, json.dumps(rows, indent=1))


if __name__ == '__main__':
    main()
