"""Frames as they are compared to find the scales of their views: small, scene by scene, in the order of time."""

import numbers
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from fsmde.evaluation.functional import SUMS, error_terms
from fsmde.masks import resize_visible
from fsmde.structures import MULTI_VIEW

from .metric_cache import checksum, in_metres
from .view_scales import View, view_scales
from .writing import own_device

#: Height in pixels at which views are compared. Twice as large they cost four times as much, and find hardly better scales.
ROWS = 96
#: Metres that the car is to have moved between a frame and the one before or behind it that it is compared with, and how many
#: frames are looked through for it: a car that stands has its overlaps alone. Farther than FAR it sees nothing of the same, or
#: it is another drive.
MOVED, FAR, REACH = 1.0, 30.0, 20
#: Metres within which two views have one centre, as those of one fisheye have: they show the same at every scale.
SAME_PLACE = 1e-3


class ComparedFrames:
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

    def poses(self, number) -> int:
        """The checksum of the poses that a frame's scales are found with, to 0.1 mm."""
        poses = [self.places[other].poses for other in self.others(number)]
        return checksum(np.round(poses, 4) + 0.0)  # Without zeros of two signs.

    def scales(self, number) -> tuple:
        """What :meth:`MetricCache.write_scale` is to be given, but for the poses."""
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
    """Which frame of a data set it is, where the car was (3,), None where that is not known, and the cameras (N, 4, 4)."""

    index: int
    frame_id: str
    scene: str
    position: np.ndarray
    poses: np.ndarray


def _places(dataset):
    """The distinct frames of a data set, scene by scene and within a scene by their time where that is a number."""
    found, times = {}, {}
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if info['frame_id'] in found:
            continue
        pose, time_of = info.get('ori_cam2world'), info.get('timestamp')
        position = None if pose is None else pose[0][:3, 3]
        poses = info['cam2ego'] if pose is None else pose
        found[info['frame_id']] = _Place(index, info['frame_id'], info['scene'], position, poses)
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
