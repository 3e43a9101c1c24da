"""Several teachers on the frames of a data set, side by side."""

import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate

from fsmde.models.estimators.distilled_depth_estimator import replay_of_batch
from fsmde.output_files import write_bytes
from fsmde.output_names import output_path
from fsmde.visualization.panels import draw_comparison, ring_order

from .judge import judge
from .report import describe, summary


def compare_teachers(
    teachers: dict,
    dataset,
    student,
    fraction: float = 0.5,
    frames: int = None,
    out=None,
    pictures: int = 8,
    progress=iter,
) -> dict:
    """Judge teachers on the same frames, with the same part of the LiDAR to align them.

    Args:
        teachers: :class:`fsmde.models.DepthTeacher` by name.
        dataset: A :class:`fsmde.datasets.SurroundDepthDataset` whose pipeline has ``KeepTeacherViews``.
        student: :class:`fsmde.models.BinDepthEstimator`, for its preprocessor and range; it is not asked.
        fraction: Of LiDAR pixels that align a teacher; the others judge it.
        frames: The first so many, all by default.
        out: Folder for pictures: images, LiDAR, and each candidate aligned in its own space; None for none.
        pictures: At most so many.
        progress: Wraps the iterable of frames, to show how far it is.

    Returns:
        By name what :func:`fsmde.teacher_choice.describe` says, and ``readings``, by name what
        :func:`fsmde.teacher_choice.summary` says: what :func:`fsmde.teacher_choice.table` takes.
    """
    pixels = torch.Generator().manual_seed(0)
    found, answers, times = {name: {} for name in teachers}, {}, {name: [] for name in teachers}
    for i in progress(range(min(len(dataset), frames or len(dataset)))):
        batch = student.data_preprocessor(pseudo_collate([dataset[i]]))
        sample = batch['data_samples'][0]
        target = student.target([sample])
        keep = (torch.rand(target.depth.shape, generator=pixels) < fraction).to(target.depth.device)
        # A teacher that is prompted with LiDAR gets no more of it than the others are aligned to.
        sample.teacher_lidar = torch.where(target.mask & keep, target.depth, 0)[0]
        dense, best = _dense_depth(sample, target.depth), {}
        for name, teacher in teachers.items():
            answers[name], ms = _ask(teacher, batch)
            times[name].append(ms)
            teacher_output = replay_of_batch(answers[name], [sample], target.depth.shape[-2:])
            judged = judge(teacher_output, target, keep, dense, sample, student.max_depth)
            for reading, entry in judged.items():
                found[name].setdefault(reading, []).append(dict(entry, depth=None))
            best[name] = next(iter(judged.values()))['depth']
        if out and i < pictures:
            path = output_path(Path(out), sample.frame_id)
            images = batch['inputs']['teacher_img'][0].cpu().numpy()
            write_bytes(path.with_name(f'{path.name}.jpg'), _picture(sample, images, target, best))
    return {
        name: dict(
            describe(teachers[name], answers[name], times[name]),
            readings={reading: summary(entries) for reading, entries in found[name].items()},
        )
        for name in teachers
    }


def _dense_depth(sample, like):
    """Dense ground truth (1, N, H, W) of a frame at the size of ``like``, None if there is none."""
    dense = sample.get('dense_depth')
    if dense is None:
        return None
    return F.interpolate(torch.as_tensor(dense, device=like.device)[None], size=like.shape[-2:], mode='nearest-exact')


def _ask(teacher, batch):
    """What a teacher says of a batch, and the milliseconds that it took."""
    start = time.perf_counter()
    output = teacher.answer(batch['inputs'], batch['data_samples'])
    if output.depth.is_cuda:
        torch.cuda.synchronize()
    return output, 1000 * (time.perf_counter() - start)


def _picture(sample, images, target, best):
    """A frame with all candidates as the bytes of a JPEG file."""
    lidar = torch.where(target.mask, target.depth, 0)[0].cpu().numpy()
    drawn = draw_comparison(
        images, dict(LiDAR=lidar, **best), sample.cam_names, max_depth=80.0, order=ring_order(sample.cam2ego)
    )
    return cv2.imencode('.jpg', np.ascontiguousarray(drawn[..., ::-1]))[1].tobytes()
