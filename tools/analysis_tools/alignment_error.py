"""How far a teacher's depth is from the truth when distillers have aligned it: is it worth learning from?

    python tools/analysis_tools/alignment_error.py configs/benchmark/live_teacher.py --split val --fraction 0.0625

Part of each frame's LiDAR pixels align the teacher, the others judge it, and dense ground truth where the data set has
it. "LiDAR alone" is what the correction near LiDAR makes of a teacher that says the same everywhere, in the same views.
Errors are means over views. Views that cannot be aligned, as distillers leave them out, are in no error: how many are in
it, and which share of the pixels with ground truth in all views, stands beside it.
"""

import argparse
import sys

import numpy as np
import torch
import torch.nn.functional as F
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from fsmde.engine.launch import read_config, refuse_empty_options
from fsmde.evaluation.functional import METRICS, error_terms, metrics_from_sums
from fsmde.models import DistillationStep
from fsmde.models.estimators.bin_depth_estimator import rig_batch
from fsmde.structures import DepthTarget, TeacherOutput


def errors(depth, truth, mask):
    """AbsRel and delta1 over (B, N, H, W) ``mask``, and the number of its pixels."""
    metrics = metrics_from_sums(error_terms(truth[mask].cpu(), depth[mask].cpu()).sum(-1))
    return *(metrics[METRICS.index(name)] for name in ('abs_rel', 'd1')), int(mask.sum())


def judge(teacher, target, dense, keep):
    """Errors by reading and ground truth.

    Args:
        teacher: Of one frame.
        target: All LiDAR of the frame.
        dense: (1, N, H, W) metres or None.
        keep: (1, N, H, W) bool, LiDAR pixels that align.

    Returns:
        dict: ``{(reading, truth): [(AbsRel, delta1, pixels judged, pixels with ground truth) of each view]}``; the errors are
        NaN where no pixel is judged.
    """
    lidar = DepthTarget(target.depth, target.mask & keep, target.visible)

    def read(teacher, **options):
        return DistillationStep(None, teacher, lidar, None).metric_depth(**options)[:2]

    depth, valid = read(teacher)
    readings = {
        'aligned in each view': depth,
        'corrected near LiDAR': read(teacher, local=True)[0],
        'LiDAR alone': read(TeacherOutput(torch.ones_like(depth), 'depth_metric', valid), local=True)[0],
    }
    truths = {'withheld LiDAR': (target.depth, target.mask & ~keep)}
    if dense is not None:
        truths['dense'] = dense, (dense > 0) & target.visible
    return {
        (reading, name): [
            (*errors(d[:, n], truth[:, n], (mask & valid)[:, n]), int(mask[:, n].sum())) for n in range(d.shape[1])
        ]
        for reading, d in readings.items()
        for name, (truth, mask) in truths.items()
    }


def summary(views):
    """Mean AbsRel and delta1 over views as :func:`judge` returns them, and their coverage, as cells of a table."""
    abs_rel, d1, judged, there = np.array(views, dtype=float).T
    seen = judged > 0
    means = [f'{x[seen].mean():.3f}' if seen.any() else '-' for x in (abs_rel, d1)]
    return [*means, f'{seen.sum()} of {(there > 0).sum()}', f'{100 * judged.sum() / max(there.sum(), 1):.1f}']


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a distilled one with a live teacher')
    parser.add_argument('--split', help="of data sets that have splits by name, 'val' by default; else the test set's")
    parser.add_argument('--data-root')
    parser.add_argument('--fraction', type=float, default=0.5, help='of LiDAR pixels that align the teacher')
    parser.add_argument('--frames', type=int, help='the first so many')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='settings, such as model.teacher.checkpoint=...'
    )
    args = refuse_empty_options(parser, parser.parse_args())
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    init_default_scope('mmdet3d')
    dataset = cfg.test_dataloader.dataset
    resized = next(i for i, transform in enumerate(dataset.pipeline) if 'size' in transform)
    dataset.pipeline.insert(resized + 1, dict(type='KeepTeacherViews'))
    choose_split(dataset, args.split)
    if cfg.model.get('teacher', {}).get('cache') or 'teacher' not in cfg.model:
        sys.exit(f'{args.config} has no live teacher: name a distilled config that has one')
    dataset, model = DATASETS.build(dataset), MODELS.build(cfg.model).to(get_device())
    pixels = torch.Generator().manual_seed(0)
    found = {}
    frames = min(len(dataset), args.frames or len(dataset))
    for i in track_iter_progress(range(frames)):
        batch = model.data_preprocessor(pseudo_collate([dataset[i]]))
        samples = batch['data_samples']
        target = model.target(samples)
        dense = samples[0].get('dense_depth')
        if dense is not None:
            dense = torch.as_tensor(dense, device=target.depth.device)[None]
            dense = F.interpolate(dense, size=target.depth.shape[-2:], mode='nearest-exact')
        keep = (torch.rand(target.depth.shape, generator=pixels) < args.fraction).to(target.depth.device)
        with torch.no_grad():
            teacher = model.teach(batch['inputs'], samples, rig_batch(samples, batch['inputs']['img']))
            for key, views in judge(teacher, target, dense, keep).items():
                found.setdefault(key, []).extend(views)
    truths = sorted({name for _, name in found}, reverse=True)
    columns = [f'{name} {column}' for name in truths for column in ('AbsRel', 'δ1', 'views', '% of pixels')]
    print(f'\n\n{frames} frames\n\n| | ' + ' | '.join(columns) + ' |')
    print('|' + ' --- |' * (1 + len(columns)))
    for reading in dict.fromkeys(reading for reading, _ in found):
        print(f'| {reading} | ' + ' | '.join(cell for name in truths for cell in summary(found[reading, name])) + ' |')


if __name__ == '__main__':
    main()
