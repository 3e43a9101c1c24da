"""Make the distillation benchmark's mini teacher: its world, its training and its figures on the student's world.

    python tools/make_mini_teacher.py

Each step is a command of this project that is printed before it runs. What is there already is not made again, and a
training that was stopped goes on. The teacher is filed with a hash of what it follows from: the training part of its
config, its world and the source of every class of ours that the config names. See docs/benchmark.md.
"""

import argparse
import glob
import hashlib
import inspect
import json
import os
import os.path as osp
import shutil
import sys

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.concurrency import start_tied
from fsmde.engine.config_files import read_config_file
from fsmde.evaluation.report import coverage
from fsmde.output_files import write_text
from fsmde.plain_data import read_json
from fsmde.synthetic import make_world

RECORD = 'made_from.json'
#: The part of the config that weights follow from.
TRAINING = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'randomness', 'custom_hooks')


def classes_in(node) -> set:
    """All classes that a config names."""
    if isinstance(node, dict):
        return set().union(*map(classes_in, node.values()))
    if isinstance(node, (list, tuple)):
        return set().union(*map(classes_in, node))
    return {node} if isinstance(node, type) else set()


def made_from(cfg) -> dict:
    """Hashes of all that the teacher's weights follow from: config, world, and the sources of our classes."""
    training = {key: cfg[key] for key in TRAINING}
    if cfg.load_from:
        training['load_from'] = cfg.load_from
    ours = {base for kind in classes_in(training) for base in kind.__mro__ if base.__module__.startswith('fsmde')}
    with open(osp.join(cfg.data_root, 'world.json')) as file:
        parts = dict(config=str(training), world=file.read())
    for path in {inspect.getsourcefile(kind) for kind in ours}:
        with open(path) as file:
            parts[osp.basename(path)] = file.read()
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in sorted(parts.items())}


def is_there(folder: str, checkpoint: str, wanted: dict, force: bool) -> bool:
    """Whether the wanted teacher is in a folder; leaves the folder ready for its training where it is not.

    Raises:
        SystemExit: If another teacher is there that may not be replaced.
    """
    path = osp.join(folder, RECORD)
    found = read_json(path) if osp.isfile(path) else None
    if found == wanted:
        return osp.isfile(checkpoint)
    if osp.isdir(folder) and os.listdir(folder):
        differ = [name for name in wanted if name not in (found or {}) or found[name] != wanted[name]]
        if not force:
            raise SystemExit(
                f'{folder} holds a teacher that was made from something else ({", ".join(differ)} changed): '
                'replace it with --force, or choose another --work-dir'
            )
        shutil.rmtree(folder)
    write_text(path, json.dumps(wanted, indent=1))
    return False


def run(*command):
    """Run a Python tool; stop if it fails."""
    print(f'\n$ python {" ".join(command)}', flush=True)
    if start_tied([sys.executable, *command]).wait():
        sys.exit('this step failed')


def figures(config: str, checkpoint: str, work_dir: str, split: str) -> dict:
    """Figures of one split of the student's world after affine alignment, by protocol; AbsRel, δ1, images among them."""
    run(
        'tools/test.py', config, checkpoint, '--work-dir', osp.join(work_dir, split),
        '--cfg-options', f'test_dataloader.dataset.split={split}',
    )  # fmt: skip
    protocols = read_json(max(glob.glob(osp.join(work_dir, split, 'test_*', 'results.json'))))['protocols']
    return {name: entry['modes']['affine']['overall']['all'] for name, entry in protocols.items()}


@mistakes_in_one_line('make_mini_teacher')
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', default='configs/benchmark/teacher.py')
    parser.add_argument('--work-dir', default='work_dirs/benchmark/teacher')
    parser.add_argument('--jobs', type=int, default=2, help='processes that make the world')
    parser.add_argument('--force', action='store_true', help='replace a teacher that was made from something else')
    args = refuse_empty_options(parser, parser.parse_args())
    cfg = read_config_file(args.config)
    make_world(cfg.data_root, jobs=args.jobs, **cfg.world)
    checkpoint = osp.join(args.work_dir, f'epoch_{cfg.train_cfg.max_epochs}.pth')
    if is_there(args.work_dir, checkpoint, made_from(cfg), args.force):
        print(f'{checkpoint} is there already')
    else:
        run('tools/train.py', args.config, '--work-dir', args.work_dir, '--resume', 'auto')
    students = cfg.test_dataloader.dataset.data_root
    if not osp.isdir(students):
        sys.exit(f'{students} is absent: no figures without the student world, see configs/benchmark/sup.py')
    for split in ('val', 'test'):
        for name, metrics in figures(args.config, checkpoint, args.work_dir, split).items():
            over = coverage(metrics)
            print(
                f'{split:6}{name:14}aligned AbsRel {metrics["abs_rel"]:.3f}  δ1 {metrics["d1"]:.3f}  over {over} images'
            )


if __name__ == '__main__':
    main()
