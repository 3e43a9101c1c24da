"""Bring a teacher's cached answers to metres without LiDAR: see view_scales.py for how, cache.py for what is written."""

import os
import time
from functools import lru_cache

import cv2
import numpy as np
import torch
from mmengine.registry import init_default_scope

from fsmde.config_types import type_name
from fsmde.masks import resize_visible
from fsmde.output_names import check_names
from fsmde.structures import METRIC, MULTI_VIEW

from .cache import TeacherCache, in_metres
from .view_scales import View, view_scales
from .writing import build_datasets, frame_ids, own_device

#: Height in pixels at which views are compared. Twice as large they cost four times as much, and find hardly better scales.
ROWS = 96
#: Metres that the car is to have moved between a frame and the one before or behind it that it is compared with, and how many
#: frames are looked through for it: a car that stands has its overlaps alone.
MOVED, REACH = 1.0, 20
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
        Whether the cache is complete.

    Raises:
        ValueError: If there are no answers, they need no scale or have a shift as well, or the folder holds others.
        fsmde.concurrency.BusyError: If another process is at work as this rank.
    """
    init_default_scope('mmdet3d')
    given = cfg.model.get('teacher') or {}
    if not answers and type_name(given) != 'CachedTeacher':
        raise ValueError('the config has no CachedTeacher: give --answers DIR, of tools/cache_teacher.py')
    answers, cache = TeacherCache(answers or given.cache), TeacherCache(out)
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
                answers=os.path.relpath(answers.root, cache.root),
            )
        )
        for dataset, ids in zip(datasets, names):
            _scale_frames(_Frames(dataset, answers), ids, cache, rank, world, say)
    ids = list(dict.fromkeys(frame_id for of_dataset in names for frame_id in of_dataset))
    absent = [frame_id for frame_id in ids if not cache.path(frame_id).is_file()]
    if len(absent) <= allow_missing and cache.finish():
        say(f'{cache.root} is complete: {len(ids) - len(absent)} of {len(ids)} frames')
        say(_summary(cache, [frame_id for frame_id in ids if frame_id not in set(absent)]))
        return True
    say(
        f'rank {rank} is done; {len(absent)} frames are to come, or cannot be read (--allow-missing says that this is known)'
    )
    return False


class _Frames:
    """Frames of a data set as they are compared."""

    def __init__(self, dataset, answers):
        self.dataset, self.answers, self.device = dataset, answers, own_device()
        self.load = lru_cache(4 * REACH)(self._load)

    def _load(self, index):
        """Views, relative depth (N, h, w) and LiDAR in the teacher's views (N, H, W) or None of a frame."""
        frame = self.dataset[index]
        shown = dict(cam2ego=frame['cam2ego'], lidar_points=len(frame.get('lidar_points', ())))
        depth, _ = self.answers.read(frame['frame_id'], frame['img'], frame['cam2img'], **shown)
        poses = frame.get('ori_cam2world', frame['cam2ego'])
        views = [self._view(*of_view) for of_view in zip(frame['img'], frame['visible'], frame['cam2img'], poses)]
        return views, depth, frame.get('teacher_lidar')

    def _view(self, image, visible, cam2img, cam2world):
        h, w = image.shape[:2]
        size = min(ROWS, h), round(w * min(ROWS, h) / h)
        grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), size[::-1], interpolation=cv2.INTER_AREA)
        cam2img = np.diag([size[1] / w, size[0] / h, 1]) @ cam2img
        tensors = grey.astype(np.float32), resize_visible(visible, *size), cam2img.astype(np.float32)
        return View(*(torch.from_numpy(np.asarray(x)).to(self.device) for x in tensors), torch.as_tensor(cam2world))

    def others(self, index) -> list:
        """Indices of the frame and of those before and behind it in which the car is elsewhere."""
        place = self._place(index)
        found = [index]
        for step in (-1, 1):
            for other in range(index + step, index + step * (REACH + 1), step):
                there = self._place(other) if 0 <= other < len(self.dataset) else None
                if place is None or there is None or there[0] != place[0]:
                    break
                if np.linalg.norm(there[1] - place[1]) >= MOVED:
                    found.append(other)
                    break
        return found

    def _place(self, index):
        info = self.dataset.get_data_info(index)
        return None if info.get('ori_cam2world') is None else (info['scene'], info['ori_cam2world'][0][:3, 3])

    def scales(self, index) -> tuple:
        """Scales (N,) of a frame's views, and by which ln ratio (N,) they exceed what LiDAR says, NaN for unknown."""
        views, depth, lidar = self.load(index)
        around = []
        for other in self.others(index):
            try:
                around.append(self.load(other)[0])
            except (OSError, ValueError):
                if other == index:
                    raise
        others = [[v for of_frame in around for v in of_frame if v is not view] for view in views]
        relative = torch.from_numpy(in_metres(depth, np.ones(len(depth)), self.answers.space).astype(np.float32))
        small = [_resized(d.to(self.device), v.image.shape) for d, v in zip(relative, views)]
        scale = view_scales(torch.stack(small), views, others, self.answers.space in MULTI_VIEW)
        if lidar is None:
            return scale, np.full(len(scale), np.nan)
        metric = in_metres(depth, scale, self.answers.space).astype(np.float32)
        return scale, np.array([_log_ratio(d, measured) for d, measured in zip(metric, lidar)])


def _resized(depth, size):
    """Depth (h, w) at another size: nearest, for what is not known and what is infinite cannot be mixed with the rest."""
    return torch.nn.functional.interpolate(depth[None, None], size=size, mode='nearest-exact')[0, 0]


def _log_ratio(depth, lidar):
    """Median of ln depth / LiDAR, of maps that may differ in size, where both say something."""
    depth = cv2.resize(depth, lidar.shape[::-1], interpolation=cv2.INTER_NEAREST)
    both = (lidar > 0) & np.isfinite(depth) & (depth > 0)
    return np.median(np.log(depth[both] / lidar[both])) if both.sum() >= 16 else np.nan


def _scale_frames(frames, ids, cache, rank, world, say):
    """Scale this rank's part of a data set: frames that follow each other, for each is loaded once."""
    first = {}
    for i, frame_id in enumerate(ids):
        first.setdefault(frame_id, i)
    check_names(cache.root, first)
    shared = list(first.items())[rank * len(first) // world : (rank + 1) * len(first) // world]
    mine = [(frame_id, i) for frame_id, i in shared if not cache.path(frame_id).is_file()]
    start = time.time()
    for number, (frame_id, index) in enumerate(mine, 1):
        try:
            scale, log_ratio = frames.scales(index)
        except (OSError, ValueError) as error:
            say(f'frame {frame_id} cannot be read and is left out: {type(error).__name__}: {error}')
            continue
        cache.write_scale(frame_id, scale, log_ratio)
        if number % 100 == 0 or number == len(mine):
            left = (time.time() - start) / number * (len(mine) - number)
            say(f'rank {rank}: {number} of {len(mine)} frames, {left / 60:.0f} min left')


def _summary(cache, ids):
    scales, ratios = (np.concatenate(of_all) for of_all in zip(*map(cache.read_scale, ids)))
    said = f'{np.isfinite(scales).sum()} of {len(scales)} views have a scale'
    known = np.abs(ratios[np.isfinite(ratios)])
    if len(known):
        said += (
            f'; of {len(known)} of them with LiDAR the median depth is {np.median(known):.1%} off in the median, '
            f'{np.quantile(known, 0.9):.1%} in the worst tenth'
        )
    return said
