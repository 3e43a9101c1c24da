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
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config, DictAction
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from fsmde.deployment.deployable import build_student
from fsmde.engine.launch import read_config, refuse_empty_options
from fsmde.models.estimators.distilled_depth_estimator import replay_of_batch
from fsmde.output_files import write_bytes, write_text
from fsmde.output_names import output_path
from fsmde.teacher_choice import describe, judge, summary, table
from fsmde.visualization.panels import draw_comparison, ring_order


def choose_split(dataset, split):
    """Let a config's data set be of a split, where it has splits by name.

    Raises:
        SystemExit: If it has not and one is asked for.
    """
    if 'split' in dataset:
        dataset.split = split or 'val'
    elif split:
        sys.exit(
            f'--split {split}: {dataset.type.__name__ if isinstance(dataset.type, type) else dataset.type} has no splits by '
            f'name, its frames are those of {dataset.get("ann_file")}; leave --split out, or name another file with '
            '--cfg-options test_dataloader.dataset.ann_file=...'
        )


def candidates(cfg, path, config_name):
    """The teachers by name, built: of a file, or of the config.

    Raises:
        SystemExit: If there are none, or one cannot be built.
    """
    if path:
        configs = Config.fromfile(path).get('teachers')
        if not configs:
            sys.exit(f'{path} has no teachers: expected teachers = dict(NAME=dict(type=...), ...)')
    elif cfg.model.get('teacher', {}).get('cache') or 'teacher' not in cfg.model:
        sys.exit(f'{config_name} has no live teacher: name a distilled config that has one, or --teachers FILE')
    else:
        configs = {'': cfg.model.teacher}
    teachers = {}
    for name, config in configs.items():
        try:
            teacher = MODELS.build(config)
        except Exception as error:  # Whatever stands in the way of one, it has a name here.
            sys.exit(f'teacher {name or config.get("type")}: {type(error).__name__}: {error}')
        teachers[name or teacher.name] = teacher
    return teachers


def dense_depth(sample, like):
    """Dense ground truth (1, N, H, W) of a frame at the size of ``like``, None if there is none."""
    dense = sample.get('dense_depth')
    if dense is None:
        return None
    return F.interpolate(torch.as_tensor(dense, device=like.device)[None], size=like.shape[-2:], mode='nearest-exact')


def ask(teacher, batch):
    """What a teacher says of a batch, and the milliseconds that it took."""
    start = time.perf_counter()
    output = teacher.answer(batch['inputs'], batch['data_samples'])
    if output.depth.is_cuda:
        torch.cuda.synchronize()
    return output, 1000 * (time.perf_counter() - start)


def picture(sample, images, target, best):
    """A frame: images, LiDAR, and each candidate aligned in its own space, as the bytes of a JPEG file."""
    lidar = torch.where(target.mask, target.depth, 0)[0].cpu().numpy()
    drawn = draw_comparison(
        images, dict(LiDAR=lidar, **best), sample.cam_names, max_depth=80.0, order=ring_order(sample.cam2ego)
    )
    return cv2.imencode('.jpg', np.ascontiguousarray(drawn[..., ::-1]))[1].tobytes()


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
    if args.out and (args.out / 'results.json').exists():
        sys.exit(f'{args.out} holds results already: name another folder')
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    init_default_scope('mmdet3d')
    dataset = cfg.test_dataloader.dataset
    resized = next(i for i, transform in enumerate(dataset.pipeline) if 'size' in transform)
    dataset.pipeline.insert(resized + 1, dict(type='KeepTeacherViews'))
    choose_split(dataset, args.split)
    teachers = candidates(cfg, args.teachers, args.config)
    dataset, student = DATASETS.build(dataset), build_student(cfg.model).to(get_device())
    pixels = torch.Generator().manual_seed(0)
    found, answers, times = {name: {} for name in teachers}, {}, {name: [] for name in teachers}
    frames = min(len(dataset), args.frames or len(dataset))
    for i in track_iter_progress(range(frames)):
        batch = student.data_preprocessor(pseudo_collate([dataset[i]]))
        sample = batch['data_samples'][0]
        target = student.target([sample])
        keep = (torch.rand(target.depth.shape, generator=pixels) < args.fraction).to(target.depth.device)
        # A teacher that is prompted with LiDAR gets no more of it than the others are aligned to.
        sample.teacher_lidar = torch.where(target.mask & keep, target.depth, 0)[0]
        dense, best = dense_depth(sample, target.depth), {}
        for name, teacher in teachers.items():
            answers[name], ms = ask(teacher, batch)
            times[name].append(ms)
            teacher_output = replay_of_batch(answers[name], [sample], target.depth.shape[-2:])
            judged = judge(teacher_output, target, keep, dense, sample, student.max_depth)
            for reading, entry in judged.items():
                found[name].setdefault(reading, []).append(dict(entry, depth=None))
            best[name] = next(iter(judged.values()))['depth']
        if args.out and i < args.pictures:
            path = output_path(args.out / 'pictures', sample.frame_id)
            write_bytes(
                path.with_name(f'{path.name}.jpg'),
                picture(sample, batch['inputs']['teacher_img'][0].cpu().numpy(), target, best),
            )
    results = {
        name: dict(
            describe(teachers[name], answers[name], times[name]),
            readings={reading: summary(entries) for reading, entries in found[name].items()},
        )
        for name in teachers
    }
    text = f'{frames} frames\n\n{table(results)}\n'
    print(f'\n\n{text}')
    if args.out:
        settings = dict(config=args.config, split=args.split, fraction=args.fraction, frames=frames)
        write_text(args.out / 'table.md', text)
        write_text(args.out / 'results.json', json.dumps(dict(settings, teachers=results), indent=1))


if __name__ == '__main__':
    main()
