"""How far a teacher's depth is from the truth when distillers have aligned it: is it worth learning from?

    python tools/analysis_tools/alignment_error.py configs/benchmark/live_teacher.py --split val --fraction 0.0625

Part of each frame's LiDAR pixels align the teacher, the others judge it, and dense ground truth where the data set has
it. "LiDAR alone" is what the correction near LiDAR makes of a teacher that says the same everywhere.
"""

import argparse
import sys

import numpy as np
import torch
import torch.nn.functional as F
from mmdet3d.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from fsmde.engine.launch import read_config
from fsmde.evaluation.functional import METRICS, error_terms, metrics_from_sums
from fsmde.models import AlignedDistiller
from fsmde.models.estimators.bin_depth_estimator import rig_batch
from fsmde.structures import DepthTarget, TeacherOutput


def errors(depth, truth, mask):
    """AbsRel and delta1 over (B, N, H, W) ``mask``."""
    metrics = metrics_from_sums(error_terms(truth[mask].cpu(), depth[mask].cpu()).sum(-1))
    return tuple(metrics[METRICS.index(name)] for name in ('abs_rel', 'd1'))


def judge(teacher, target, dense, keep):
    """Errors of a frame by reading and ground truth, where the aligned teacher is valid."""
    lidar = DepthTarget(target.depth, target.mask & keep, target.visible)

    def read(teacher, **options):
        return AlignedDistiller(**options).metric_depth(None, teacher, lidar)

    depth, valid = read(teacher)
    readings = {
        'aligned in each view': depth,
        'corrected near LiDAR': read(teacher, local=True)[0],
        'LiDAR alone': read(TeacherOutput(torch.ones_like(depth), 'depth_metric', valid), local=True)[0],
    }
    truths = {'withheld LiDAR': (target.depth, target.mask & ~keep & valid)}
    if dense is not None:
        truths['dense'] = dense, (dense > 0) & valid
    return {(reading, name): errors(d, *truths[name]) for reading, d in readings.items() for name in truths}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a distilled one with a live teacher')
    parser.add_argument('--split', default='val')
    parser.add_argument('--data-root')
    parser.add_argument('--fraction', type=float, default=0.5, help='of LiDAR pixels that align the teacher')
    parser.add_argument('--frames', type=int, help='the first so many')
    args = parser.parse_args()
    cfg = read_config(args.config, args.data_root)
    init_default_scope('mmdet3d')
    dataset = cfg.test_dataloader.dataset
    resized = next(i for i, transform in enumerate(dataset.pipeline) if 'size' in transform)
    dataset.pipeline.insert(resized + 1, dict(type='KeepTeacherViews'))
    dataset.split = args.split
    if cfg.model.get('teacher', {}).get('cache') or 'teacher' not in cfg.model:
        sys.exit(f'{args.config} has no live teacher: name a distilled config that has one')
    dataset, model = DATASETS.build(dataset), MODELS.build(cfg.model).to(get_device())
    pixels = torch.Generator().manual_seed(0)
    found = []
    for i in track_iter_progress(range(min(len(dataset), args.frames or len(dataset)))):
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
            found.append(judge(teacher, target, dense, keep))
    truths = sorted({name for _, name in found[0]}, reverse=True)
    print('\n| | ' + ' | '.join(f'{name} AbsRel | δ1' for name in truths) + ' |')
    print('|' + ' --- |' * (1 + 2 * len(truths)))
    for reading in dict.fromkeys(reading for reading, _ in found[0]):
        cells = [np.nanmean([frame[reading, name][k] for frame in found]) for name in truths for k in (0, 1)]
        print(f'| {reading} | ' + ' | '.join(f'{cell:.3f}' for cell in cells) + ' |')


if __name__ == '__main__':
    main()
