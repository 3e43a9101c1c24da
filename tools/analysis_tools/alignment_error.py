"""Which teacher is worth learning from, on your own data, before a GPU-week is spent?

    python tools/analysis_tools/alignment_error.py configs/benchmark/live_teacher.py --split val --fraction 0.0625
    python tools/analysis_tools/alignment_error.py configs/fsmde_sup_ddad.py --teachers teachers.py --frames 50 --out DIR

Candidates are the teacher of the config, or those of a file that says `teachers = dict(some=dict(type=...), other=...)`.
Part of each frame's LiDAR pixels align a teacher, in every way that the space of its numbers allows; the others judge it, and
dense ground truth where the data set has it. "LiDAR alone" is what the correction near LiDAR makes of a teacher that says the
same everywhere, in the same views. Errors are means over views. Views that cannot be aligned, as distillers leave them out,
are in no error: how many are in it, and which share of the pixels with ground truth in all views, stands beside it. Edges are
judged on dense depth, and the agreement of neighbouring views on the LiDAR points that both see. --out writes the table
(table.md), all figures (results.json) and a picture of each of the first frames with all candidates. See docs/teachers.md.
"""

import argparse
import json
import sys
from pathlib import Path

from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import DictAction
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.config_types import type_name
from fsmde.deployment.deployable import build_student
from fsmde.engine.config_files import of_one_rig, read_config, read_config_file
from fsmde.output_files import write_text
from fsmde.teacher_choice import compare_teachers, table


def choose_split(dataset, split):
    """Let a config's data set be of a split, where it has splits by name.

    Raises:
        SystemExit: If it has not and one is asked for.
    """
    if 'split' in dataset:
        dataset.split = split or 'val'
    elif split:
        sys.exit(
            f'--split {split}: {type_name(dataset)} has no splits by '
            f'name, its frames are those of {dataset.get("ann_file")}; leave --split out, or name another file with '
            '--cfg-options test_dataloader.dataset.ann_file=...'
        )


def candidates(cfg, path, config_name):
    """The teachers by name, built: of a file, or of the config.

    Raises:
        SystemExit: If there are none.
    """
    if path:
        configs = read_config_file(path).get('teachers')
        if not configs:
            sys.exit(f'{path} has no teachers: expected teachers = dict(NAME=dict(type=...), ...)')
    elif cfg.model.get('teacher', {}).get('cache') or 'teacher' not in cfg.model:
        sys.exit(f'{config_name} has no live teacher: name a distilled config that has one, or --teachers FILE')
    else:
        configs = {'': cfg.model.teacher}
    teachers = {}
    for name, config in configs.items():
        teacher = MODELS.build(config)
        teachers[name or teacher.name] = teacher
    return teachers


@mistakes_in_one_line('alignment_error')
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='one whose data is to be judged on; with a live teacher, or with --teachers')
    parser.add_argument('--teachers', metavar='FILE', help='config file with `teachers`, a dict of candidates by name')
    parser.add_argument('--split', help="of data sets that have splits by name, 'val' by default; else the test set's")
    parser.add_argument('--data-root')
    parser.add_argument('--fraction', type=float, default=0.5, help='of LiDAR pixels that align the teacher')
    parser.add_argument('--frames', type=int, help='the first so many')
    parser.add_argument('--out', type=Path, help='folder for table.md, results.json and pictures')
    parser.add_argument('--pictures', type=int, default=8, help='at most so many')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='settings, such as model.teacher.checkpoint=...'
    )
    args = refuse_empty_options(parser, parser.parse_args())
    if not 0 < args.fraction < 1:
        parser.error(f'--fraction must be above 0 and below 1, for the rest judges: found {args.fraction}')
    if args.frames is not None and args.frames < 1:
        parser.error(f'--frames must be 1 or more, found {args.frames}')
    if args.out and (args.out / 'results.json').exists():
        sys.exit(f'{args.out} holds results already: name another folder')
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    init_default_scope('mmdet3d')
    dataset = of_one_rig(cfg.test_dataloader.dataset, args.config)
    resized = next(i for i, transform in enumerate(dataset.pipeline) if 'size' in transform)
    dataset.pipeline.insert(resized + 1, dict(type='KeepTeacherViews'))
    choose_split(dataset, args.split)
    teachers = candidates(cfg, args.teachers, args.config)
    dataset, student = DATASETS.build(dataset), build_student(cfg.model).to(get_device())
    frames = min(len(dataset), args.frames or len(dataset))
    pictures = args.out and args.out / 'pictures'
    results = compare_teachers(
        teachers, dataset, student, args.fraction, frames, pictures, args.pictures, track_iter_progress
    )
    text = f'{frames} frames\n\n{table(results)}\n'
    print(f'\n\n{text}')
    if args.out:
        settings = dict(config=args.config, split=args.split, fraction=args.fraction, frames=frames)
        write_text(args.out / 'table.md', text)
        write_text(args.out / 'results.json', json.dumps(dict(settings, teachers=results), indent=1))


if __name__ == '__main__':
    main()
