"""Where one loader worker's time goes, and how long an index takes.

    python tools/analysis_tools/benchmark_loader.py configs/fsmde_kd_ddad.py --data-root DDAD
    python tools/analysis_tools/benchmark_loader.py configs/fsmde_kd_ddad.py --data-root DDAD --index-frames 12650

The first prints milliseconds of each transform for a frame, and frames a second of one worker. CPU time is what a worker
needs whatever else runs; wall time holds waiting for the disk as well. The second loads an index of so many frames, made
of copies of the first scene.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter

import cv2
import torch
from mmdet3d.registry import DATASETS
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

import fsmde  # noqa: F401
from fsmde.engine.launch import set_data_root


def measure_transforms(dataset, frames):
    """Mean CPU and wall milliseconds of each transform, over frames behind an untimed first one."""
    cpu, wall = Counter(), Counter()
    for number in range(-1, frames):
        results = dataset.get_data_info((number + 1) % len(dataset))
        for transform in dataset.pipeline.transforms:
            start = time.process_time(), time.perf_counter()
            results = transform(results)
            if number >= 0:
                cpu[type(transform).__name__] += 1000 * (time.process_time() - start[0]) / frames
                wall[type(transform).__name__] += 1000 * (time.perf_counter() - start[1]) / frames
    return cpu, wall


def repeat_first_scene(root, frames, folder):
    """Write a DGP index of at least so many frames, whose scenes are links to the first one."""
    with open(os.path.join(root, 'ddad.json')) as file:
        splits = json.load(file)['scene_splits']
    scene, name = os.path.split(splits[min(splits)]['filenames'][0])
    with open(os.path.join(root, scene, name)) as file:
        copies = -(-frames // len(json.load(file)['samples']))
    for number in range(copies):
        os.symlink(os.path.abspath(os.path.join(root, scene)), os.path.join(folder, f'{number:06d}'))
    index = dict(filenames=[f'{number:06d}/{name}' for number in range(copies)])
    with open(os.path.join(folder, 'ddad.json'), 'w') as file:
        json.dump(dict(scene_splits={'0': index, '1': index}), file)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--data-root', required=True, help='folder of the data set')
    parser.add_argument('--frames', type=int, default=12, help='frames to time')
    parser.add_argument('--index-frames', type=int, help='load a DGP index of so many frames instead')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def main():
    args = parse_args()
    # As in a loader's worker.
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    init_default_scope('mmdet3d')
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    with tempfile.TemporaryDirectory() as folder:
        if args.index_frames:
            repeat_first_scene(args.data_root, args.index_frames, folder)
        set_data_root(cfg, folder if args.index_frames else args.data_root)
        start = time.perf_counter()
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        seconds = time.perf_counter() - start
        print(f'index: {len(dataset)} frames in {seconds:.2f} s, {dataset.data_bytes.nbytes / 2**20:.1f} MiB')
        if args.index_frames:
            return
        cpu, wall = measure_transforms(dataset, args.frames)
    print('| transform | CPU ms | wall ms |\n| --- | --- | --- |')
    for name in cpu:
        print(f'| {name} | {cpu[name]:.1f} | {wall[name]:.1f} |')
    print(f'| all | {sum(cpu.values()):.1f} | {sum(wall.values()):.1f} |')
    print(f'\n{1000 / sum(cpu.values()):.2f} frames a second of one worker by CPU time')


if __name__ == '__main__':
    main()
