"""Bring cached answers to metres without LiDAR: view_scales.py says how, metric_cache.py what is written."""

import numbers
import os
import time
from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope

from fsmde.config_types import type_name
from fsmde.evaluation.functional import SUMS, error_terms
from fsmde.masks import resize_visible
from fsmde.output_names import check_names
from fsmde.structures import METRIC, MULTI_VIEW

from .cache import TeacherCache
from .metric_cache import MetricCache, checksum, in_metres
from .view_scales import View, view_scales
from .writing import build_datasets, declare_complete, frame_ids, own_device

#: Height in pixels at which views are compared. Twice as large they cost four times as much, and find hardly better scales.
ROWS = 96
#: Metres that the car is to have moved between a frame and the one before or behind it that it is compared with, and how many
#: frames are looked through for it: a car that stands has its overlaps alone. Farther than FAR it sees nothing of the same, or
#: it is another drive.
MOVED, FAR, REACH = 1.0, 30.0, 20
#: Metres within which two views have one centre, as those of one fisheye have: they show the same at every scale.
SAME_PLACE = 1e-3
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
            _scale_frames(_Frames(dataset, answers), cache, rank, world, say)
    return declare_complete(cache, names, allow_missing, rank, say, judge=partial(_summary, cache))


class _Frames:
    """Frames of a data set as they are compared: each once, scene by scene, in the order of time."""

    def __init__(self, dataset, answers):
        self.dataset, self.answers, self.device = dataset, answers, own_device()
        self.places = _places(dataset)
        self.load = lru_cache(4 * REACH)(self._load)

    def _load(self, number):
        """Of a frame its views, the answers (N, h, w) float32 at their size, what answers and LiDAR say at LiDAR's pixels,
        (2, P) of each view or None, and the answers' checksum. Many are kept: none of it is as large as the images.
        """
        frame = self.dataset[self.places[number].index]
        shown = dict(cam2ego=frame['cam2ego'], lidar_points=len(frame.get('lidar_points', ())))
        depth, _ = self.answers.read(frame['frame_id'], frame['img'], frame['cam2img'], **shown)
        poses = frame['cam2ego'] if frame.get('ori_cam2world') is None else frame['ori_cam2world']
        views = [self._view(*of_view) for of_view in zip(frame['img'], frame['visible'], frame['cam2img'], poses)]
        answers = depth.astype(np.float32)
        small = np.stack([_resized(of_view, view.image.shape) for of_view, view in zip(answers, views)])
        at_lidar = frame.get('teacher_lidar')
        if at_lidar is not None:
            at_lidar = [_at_lidar(*of_view) for of_view in zip(answers, at_lidar)]
        return views, small, at_lidar, checksum(depth)

    def _view(self, image, visible, cam2img, cam2world):
        h, w = image.shape[:2]
        size = min(ROWS, h), round(w * min(ROWS, h) / h)
        grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), size[::-1], interpolation=cv2.INTER_AREA)
        cam2img = np.diag([size[1] / w, size[0] / h, 1]) @ cam2img
        arrays = grey.astype(np.float32), resize_visible(visible, *size), cam2img.astype(np.float32)
        return View(*(torch.tensor(array).to(self.device) for array in arrays), torch.tensor(cam2world))

    def others(self, number) -> list:
        """Numbers of the frame and of those before and behind it in which the car is elsewhere."""
        here = self.places[number]
        found = [number]
        for step in (-1, 1):
            for other in range(number + step, number + step * (REACH + 1), step):
                there = self.places[other] if 0 <= other < len(self.places) else None
                if here.position is None or there is None or there.position is None or there.scene != here.scene:
                    break
                moved = np.linalg.norm(there.position - here.position)
                if moved >= MOVED:
                    found += [other] if moved <= FAR else []
                    break
        return found

    def scales(self, number) -> tuple:
        """What :meth:`MetricCache.write_scale` is to be given."""
        views, answers, at_lidar, answer = self.load(number)
        around = list(views)
        for other in self.others(number)[1:]:
            try:
                around += self.load(other)[0]
            except Exception:  # Said when its own turn comes.
                continue
        others = [[other for other in around if _are_apart(view, other)] for view in views]
        space = self.answers.space
        units = _units(answers, space)
        relative = torch.from_numpy(in_metres(answers, units, space).astype(np.float32)).to(self.device)
        scale = view_scales(relative, views, others, space in MULTI_VIEW) * units
        if at_lidar is None:
            return scale, *np.full((2, len(scale)), np.nan), answer
        return scale, *np.transpose([_against_lidar(said, s, space) for said, s in zip(at_lidar, scale)]), answer


@dataclass(frozen=True)
class _Place:
    """Which frame of a data set it is, and where the car was (3,), None where that is not known."""

    index: int
    frame_id: str
    scene: str
    position: np.ndarray


def _places(dataset):
    """The distinct frames of a data set, scene by scene and within a scene by their time where that is a number."""
    found, times = {}, {}
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if info['frame_id'] in found:
            continue
        pose, time_of = info.get('ori_cam2world'), info.get('timestamp')
        position = None if pose is None else pose[0][:3, 3]
        found[info['frame_id']] = _Place(index, info['frame_id'], info['scene'], position)
        times.setdefault(info['scene'], []).append((time_of, info['frame_id']))
    places = []
    for of_scene in times.values():
        if all(isinstance(time_of, numbers.Real) for time_of, _ in of_scene):
            of_scene = sorted(of_scene, key=lambda known: known[0])
        places += [found[frame_id] for _, frame_id in of_scene]
    return places


def _are_apart(view, other):
    return float(torch.dist(view.cam2world[:3, 3], other.cam2world[:3, 3])) > SAME_PLACE


def _units(answers, space):
    """Powers of two (N,) by which a frame's relative depth is near 1 in the middle, whatever unit a teacher has: there float16
    holds it, and rounds it as it does in any other.
    """
    known = np.where(np.isfinite(answers) & (answers > 0), answers, np.nan)
    known = known.reshape(1 if space in MULTI_VIEW else len(known), -1)
    middle = [np.nanmedian(of_view) if np.isfinite(of_view).any() else 1.0 for of_view in known]
    exponents = np.round(np.log2(middle)) * (1 if space.startswith('disparity') else -1)
    return np.broadcast_to(2.0**exponents, len(answers))


def _resized(answers, size):
    """Answers (h, w) at another size: nearest, for what is not known and what is infinite cannot be mixed with the rest."""
    return F.interpolate(torch.from_numpy(answers)[None, None], size=size, mode='nearest-exact')[0, 0]


def _at_lidar(answers, lidar):
    """What answers (h, w) and LiDAR (H, W) say, (2, P), where LiDAR says something."""
    answers = cv2.resize(answers, lidar.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.stack([answers[lidar > 0], lidar[lidar > 0]])


def _against_lidar(at_lidar, scale, space):
    """Median of ln depth / LiDAR and δ1 where both say something; AbsRel would be ruled by what is infinitely far."""
    (depth,), lidar = in_metres(at_lidar[:1, None], [scale], space).astype(np.float32)[0], at_lidar[1]
    both = np.isfinite(depth) & (depth > 0)
    if both.sum() < 16:
        return np.nan, np.nan
    terms = dict(zip(SUMS, error_terms(lidar[both], depth[both])))
    return np.median(terms['log']), terms['d1'].mean()


def _scale_frames(frames, cache, rank, world, say):
    """Scale this rank's part of a data set: frames that follow each other, for each is loaded once."""
    check_names(cache.root, [place.frame_id for place in frames.places])
    count = len(frames.places)
    share = range(rank * count // world, (rank + 1) * count // world)
    mine = [number for number in share if not cache.path(frames.places[number].frame_id).is_file()]
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
        cache.write_scale(frame_id, *frames.scales(number))
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
