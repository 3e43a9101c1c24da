"""Is a student that learns from rectified images as good as one that learns from a pinhole's?

    python tools/analysis_tools/rectified_students.py work_dirs/rectified_students

Two built-in worlds are made that differ in their cameras' lens alone, and a small student is trained on each with the
same seeds. They see the same field of view and are judged by the same LiDAR. Ten processor minutes; what is there already
is not done again.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.synthetic import make_world

ROOT = Path(__file__).resolve().parents[2]
RUNS = dict(pinhole=(None, 'realtime/demo/resnet18'), rectified=('plumb_bob', 'lenses/rectified_demo'))
SETTINGS = (
    'model.backbone.base_channels=8', 'model.neck.channels=16', 'model.head.channels=16', 'model.head.bins.num_bins=24',
    'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False', 'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False', 'default_hooks.checkpoint.save_best=None',
)  # fmt: skip


def train(config: str, world: Path, folder: Path, seed: int, epochs: int) -> float:
    """AbsRel on the validation scenes of a student, which is trained unless that was done."""
    if not list(folder.glob('*/vis_data/scalars.json')) or not (folder / 'last_checkpoint').is_file():
        options = (
            *SETTINGS, f'randomness.seed={seed}', f'train_cfg.max_epochs={epochs}', f'train_cfg.val_interval={epochs}',
            f'param_scheduler.1.T_max={epochs}', f'param_scheduler.1.end={epochs}',
        )  # fmt: skip
        command = [
            sys.executable, str(ROOT / 'tools/train.py'), str(ROOT / f'configs/{config}.py'), '--data-root', str(world),
            '--work-dir', str(folder), '--cfg-options', *options,
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS='1'))
    newest = max(folder.glob('*/vis_data/scalars.json'))
    return [
        row['depth/abs_rel'] for row in map(json.loads, newest.read_text().splitlines()) if 'depth/abs_rel' in row
    ][-1]


@mistakes_in_one_line('rectified_students')
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='folder for the worlds and the runs')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--scenes', type=int, default=8, help='scenes to train on, of four frames each')
    parser.add_argument('--epochs', type=int, default=8)
    args = refuse_empty_options(parser, parser.parse_args())
    few = dict(train_scenes=args.scenes, val_scenes=3, test_scenes=0, frames_per_scene=4, size=(96, 160))
    figures = {}
    for name, (rig, config) in RUNS.items():
        world = make_world(args.out / f'world_{name}', rig=rig, **few)
        figures[name] = [train(config, world, args.out / f'{name}_{seed}', seed, args.epochs) for seed in args.seeds]
    print('| AbsRel |', ' | '.join(f'seed {seed}' for seed in args.seeds), '| mean | spread |')
    print('|' + ' --- |' * (len(args.seeds) + 3))
    for name, values in figures.items():
        row = ' | '.join(f'{value:.4f}' for value in (*values, np.mean(values), np.ptp(values)))
        print(f'| {name} | {row} |')


if __name__ == '__main__':
    main()
