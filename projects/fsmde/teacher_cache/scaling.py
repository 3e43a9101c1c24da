"""Bring cached answers to metres without LiDAR: view_scales.py says how, metric_cache.py what is written."""

import os
import time
from functools import partial

import numpy as np
from mmengine.registry import init_default_scope

from fsmde.config_types import type_name
from fsmde.output_names import check_names
from fsmde.structures import METRIC

from .cache import TeacherCache
from .compared_frames import FAR, MOVED, ComparedFrames
from .metric_cache import MetricCache
from .shown_frames import build_datasets, frame_ids
from .writing import declare_complete

#: Share of the views with a scale below which something is likely to be wrong.
FEW = 0.5
#: By which others are told from these.
VERSION = 1


def write_scales(cfg, out, answers=None, allow_missing: int = 0, rank: int = 0, world: int = 1, say=print) -> bool:
    """Find the scale of every view of a config's training data, and write a cache in metres.

    Processes that share the work do not talk to each other, as in :func:`write_answers`.

    Args:
        cfg: Config of a distilled student.
        out: Folder of the new cache.
        answers: Folder of the answers; that of the CachedTeacher by default.
        allow_missing: Number of frames that cannot be read, and are known to be missing.
        rank, world: Which of how many processes this one is.
        say: Is given lines of progress, and at the end how many views have a scale and how it compares with LiDAR's.

    Returns:
        Whether the cache is complete; False while other ranks are at work.

    Raises:
        ValueError: If there are no answers, they need no scale or have a shift as well, the folder holds others, more frames
            than allowed cannot be read, or no view has a scale.
        fsmde.concurrency.BusyError: If another process is at work as this rank.
    """
    init_default_scope('mmdet3d')
    given = cfg.model.get('teacher') or {}
    if not answers and type_name(given) != 'CachedTeacher':
        raise ValueError('the config has no CachedTeacher: give --answers DIR, of tools/cache_teacher.py')
    answers, cache = TeacherCache(answers or given.cache), MetricCache(out)
    if answers.root.resolve() == cache.root.resolve():
        raise ValueError(f'{out} is the folder of the answers themselves: give another one to --out')
    about = answers.description()
    if about['space'] in (METRIC, 'depth_affine_invariant'):
        raise ValueError(
            f'the answers in {answers.root} are of space {about["space"]}: '
            + ('they are metric already' if about['space'] == METRIC else 'a scale alone does not make them metric')
        )
    datasets = build_datasets(cfg.train_dataloader.dataset, lidar_if_there=True)
    names = frame_ids(datasets)
    with cache.writer(rank):
        cache.begin(
            dict(
                about,
                identity=dict(answers=about['identity'], scales=VERSION),
                space=METRIC,
                # Where they are, whatever links lead there: from a folder behind a link, `..` leads elsewhere.
                answers=os.path.relpath(answers.root.resolve(), cache.root.resolve()),
            )
        )
        for dataset in datasets:
            _scale_frames(ComparedFrames(dataset, answers), cache, rank, world, say)
    return declare_complete(cache, names, allow_missing, rank, say, judge=partial(_summary, cache))


def _scale_frames(frames, cache, rank, world, say):
    """Scale this rank's part of a data set: frames that follow each other, for each is loaded once."""
    check_names(cache.root, [place.frame_id for place in frames.places])
    count = len(frames.places)
    share = range(rank * count // world, (rank + 1) * count // world)
    poses = {n: frames.poses(n) for n in share}
    mine = [n for n in share if not cache.has_scale(frames.places[n].frame_id, poses[n])]
    again = sum(cache.path(frames.places[n].frame_id).is_file() for n in mine)
    if again:
        say(
            f'rank {rank}: the poses of {again} frames are others than their scales were found with: they are found again'
        )
    alone = sum(len(frames.others(n)) == 1 for n in range(count)) if rank == 0 else 0
    if alone:
        say(
            f'{alone} of {count} frames have the overlaps of their cameras alone: in no frame near by in their scene is the '
            f'car {MOVED:g} to {FAR:g} m away. Has it poses, in metres, and does it drive?'
        )
    start = time.time()
    for done, number in enumerate(mine, 1):
        frame_id = frames.places[number].frame_id
        try:
            frames.load(number)
        except Exception as error:  # Training leaves such a frame out, too.
            reason = f'{type(error).__name__}: {error}'
            say(f'frame {frame_id} cannot be read and is left out: {reason}')
            cache.mark_unreadable(frame_id, reason)
            continue
        cache.write_scale(frame_id, *frames.scales(number), poses[number])
        if done % 100 == 0 or done == len(mine):
            left = (time.time() - start) / done * (len(mine) - done)
            say(f'rank {rank}: {done} of {len(mine)} frames, {left / 60:.0f} min left')


def _summary(cache, ids):
    """What is to be said of the scales of frames; raises a ValueError if there are none."""
    scales, ratios, d1 = np.concatenate([np.empty((3, 0)), *map(cache.read_scale, ids)], axis=1)
    found, known, judged = np.isfinite(scales), np.abs(ratios[np.isfinite(ratios)]), d1[np.isfinite(d1)]
    said = f'{found.sum()} of {len(scales)} views have a scale'
    if len(known):
        said += (
            f'; of {len(known)} of them with LiDAR half have a median depth at most {np.expm1(np.median(known)):.1%} off, '
            f'nine tenths {np.expm1(np.quantile(known, 0.9)):.1%}'
        )
    if len(judged):
        said += f'; their δ1 on LiDAR is {judged.mean():.3f}: students that have more without them are worse with them'
    causes = (
        'Most likely poses are wrong or rough, of the cameras in the rig or of the car in the world; or cameras overlap '
        'little and the car stands or has no poses; or nothing has texture (docs/teachers.md, "Metres without LiDAR")'
    )
    if not found.any():
        raise ValueError(
            f'{cache.root} is not complete: {said}. {causes}. Mend that, remove the folder and run this again'
        )
    return said if found.mean() >= FEW else f'{said}\nWARNING: the others are left out of distillation. {causes}'
