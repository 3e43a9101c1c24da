"""Distillers that read the teacher's depth in metres, in frames with and without LiDAR."""

import torch
from torch import Tensor

from fsmde.structures import DepthTarget, StudentOutput, TeacherOutput

from .alignment import MIN_POINTS, align_to_lidar
from .base import DepthDistiller
from .residual_field import WINDOWS, correct_locally


class AlignedDistiller(DepthDistiller):
    """Aligns the teacher to LiDAR in each view, see :func:`align_to_lidar`.

    Args:
        self_align: Views with fewer than 16 LiDAR points, as of frames without labels, are aligned to the student's own
            depth, through which no gradient flows: what is learned there is the teacher's shape, at the student's
            scale. False leaves such views out.
        local: Correct the aligned depth near LiDAR, see :func:`correct_locally`. Views that are aligned to the student
            have nothing to be corrected by.
        kwargs: See :class:`DepthDistiller`.
    """

    def __init__(self, self_align: bool = False, local: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.self_align, self.local = self_align, local

    def labels(self, student: StudentOutput, target: DepthTarget) -> DepthTarget:
        """What the teacher is aligned to: the target, or with ``self_align`` what fills it up."""
        return own_depth_where_unlabelled(target, student.depth) if self.self_align else target

    def metric_depth(self, student: StudentOutput, teacher: TeacherOutput, target: DepthTarget):
        """The teacher's depth (B, N, H, W) in metres, and where it is to be trusted: visible too (B, N, H, W) bool."""
        return self.metric_depth_and_spread(student, teacher, target)[:2]

    def metric_depth_and_spread(self, student: StudentOutput, teacher: TeacherOutput, target: DepthTarget):
        """:meth:`metric_depth`, and the root mean square (B, N, H, W) of the residuals ln g - ln d that are left.

        Aligned once for all distillers of a step, which get the same objects.
        """
        made_of = student, target, self.self_align, self.local
        for known, aligned in teacher.aligned:
            if all(a is b for a, b in zip(known, made_of)):
                return aligned
        labels = self.labels(student, target)
        depth, valid = align_to_lidar(teacher, labels)
        valid = valid & target.visible
        measured = torch.where(target.mask, target.depth, labels.depth)
        # LiDAR only: near the student's own depth a correction would agree with whatever the student says.
        corrected, spread = correct_locally(
            depth, measured, target.mask & valid, labels.mask & valid, WINDOWS if self.local else ()
        )
        depth = corrected if self.local else depth
        teacher.aligned.append((made_of, (depth, valid, spread)))
        return depth, valid, spread


def own_depth_where_unlabelled(target: DepthTarget, depth: Tensor) -> DepthTarget:
    """The target, with the student's (B, N, H, W) depth as labels of views that have fewer than 16 of their own."""
    unlabelled = target.mask.sum((-2, -1), keepdim=True) < MIN_POINTS
    return DepthTarget(
        torch.where(unlabelled, depth.detach().float().clamp(min=1e-3), target.depth),
        torch.where(unlabelled, target.visible, target.mask),
        target.visible,
    )
