"""How far one teacher's answer for one frame is from the truth, in every reading of its numbers."""

from dataclasses import replace

import numpy as np
import torch

from fsmde.evaluation.consistency import adjacent_pairs, consistency_sums
from fsmde.evaluation.functional import METRICS, error_terms, metrics_from_sums
from fsmde.evaluation.ground_truth import truth_pixels
from fsmde.evaluation.protocols import FSMDE
from fsmde.models.distillers import DistillationStep
from fsmde.structures import DepthTarget, TeacherOutput

from .boundaries import boundary_f1

#: What is unknown less and less: whoever is right up to something is right up to what is more, too.
DEPTH_SPACES_IN_ORDER = (
    'depth_metric', 'depth_scale_invariant_multi_view', 'depth_scale_invariant', 'depth_affine_invariant'
)  # fmt: skip
LABELS = dict(
    depth_metric='as it is',
    depth_scale_invariant_multi_view='one scale for the rig',
    depth_scale_invariant='a scale for each view',
    depth_affine_invariant='scale and shift of depth for each view',
    disparity_affine_invariant='scale and shift of 1 / depth for each view',
)
CORRECTED, LIDAR_ALONE = 'corrected near LiDAR', 'LiDAR alone'
#: Metres in which views are compared with each other.
RANGE = (0.1, 250.0)


def readings(space: str) -> tuple:
    """The spaces in which numbers of a space can be aligned to LiDAR, its own first."""
    if space not in DEPTH_SPACES_IN_ORDER:
        return (space,)
    return DEPTH_SPACES_IN_ORDER[DEPTH_SPACES_IN_ORDER.index(space) :]


def judge(teacher: TeacherOutput, target: DepthTarget, keep, dense=None, sample=None, max_depth: float = 1e3) -> dict:
    """Align a teacher to a part of a frame's LiDAR in every reading, and compare it with the rest and with dense depth.

    Args:
        teacher: Of one frame.
        target: All LiDAR of the frame.
        keep: (1, N, H, W) bool, LiDAR pixels that align.
        dense: (1, N, H, W) ground truth in metres, 0 = none; or None.
        sample: The frame's :class:`fsmde.structures.SurroundDepthSample` with ``lidar_pixels``, for the agreement of views.
        max_depth: Metres: no reading says more, as in training.

    Returns:
        dict: By reading (of :data:`LABELS`, :data:`CORRECTED`, and :data:`LIDAR_ALONE`, which is the correction of a teacher
        that says the same everywhere) a dict of ``depth`` (N, H, W) metres with 0 where it is not trusted; ``errors``, by
        truth ('withheld LiDAR', 'dense') a list of each view's (AbsRel, delta1, pixels judged, pixels with ground truth), NaN
        where no pixel is judged; ``edges``, each view's boundary F1, if there is dense depth; ``agreement`` (10,) sums of
        :func:`~fsmde.evaluation.consistency.consistency_sums`, if there is a sample.
    """
    lidar = DepthTarget(target.depth, target.mask & keep, target.visible)
    found = {
        LABELS[space]: DistillationStep(None, replace(teacher, space=space), lidar, None, max_depth).metric_depth(
            sky=True
        )[:2]
        for space in readings(teacher.space)
    }
    own = LABELS[teacher.space]
    found[CORRECTED] = DistillationStep(None, teacher, lidar, None, max_depth).metric_depth(local=True, sky=True)[:2]
    valid = found[own][1]
    same = TeacherOutput(torch.ones_like(found[own][0]), 'depth_metric', valid)
    found[LIDAR_ALONE] = DistillationStep(None, same, lidar, None, max_depth).metric_depth(local=True, sky=True)[:2]
    truths = {'withheld LiDAR': (target.depth, target.mask & ~keep)}
    if dense is not None:
        truths['dense'] = dense, (dense > 0) & target.visible
    return {reading: _judge(*answer, truths, sample) for reading, answer in found.items()}


def _judge(depth, valid, truths, sample):
    depth, valid = depth[0].cpu().numpy(), valid[0].cpu().numpy()
    truths = {name: (truth[0].cpu().numpy(), mask[0].cpu().numpy()) for name, (truth, mask) in truths.items()}
    entry = dict(
        depth=np.where(valid, depth, 0),
        errors={
            name: [(*errors(*view), int(view[2].sum()), int(mask[n].sum())) for n, view in enumerate(views)]
            for name, (truth, mask) in truths.items()
            for views in [list(zip(depth, truth, mask & valid))]
        },
    )
    if 'dense' in truths:
        truth, mask = truths['dense']
        entry['edges'] = [boundary_f1(*view) for view in zip(depth, truth, mask & valid)]
    if sample is not None:
        entry['agreement'] = agreement(depth, valid, sample)
    return entry


def errors(depth, truth, mask) -> tuple:
    """AbsRel and delta1 over the pixels of a mask."""
    metrics = metrics_from_sums(error_terms(truth[mask], depth[mask]).sum(-1))
    return tuple(float(metrics[METRICS.index(name)]) for name in ('abs_rel', 'd1'))


def agreement(depth, valid, sample) -> np.ndarray:
    """(10,) sums of errors between the distances at which adjacent views (N, H, W) put the same LiDAR points."""
    sizes = np.asarray(sample.ori_shape)
    truth = truth_pixels(FSMDE, sample.lidar_pixels, sample.lidar_visible, sizes, depth.shape[1:]).within(*RANGE)
    row, column = ((x * side // whole[truth.camera]) for x, side, whole in zip(
        (truth.v, truth.u), depth.shape[1:], sizes.T
    ))  # fmt: skip
    truth = truth[valid[truth.camera, row, column]]
    pairs = adjacent_pairs(sample.neighbors)
    return consistency_sums(truth, depth, RANGE, pairs, np.asarray(sample.ori_cam2img), sample.lidar2cam).sum((0, 1))
