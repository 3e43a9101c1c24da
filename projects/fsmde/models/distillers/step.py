"""What the distillers of one training step look at, and what they share of it."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from fsmde.rig import RigBatch
from fsmde.structures import MULTI_VIEW, DepthTarget, StudentOutput, TeacherOutput

from .alignment import MIN_POINTS, align_to_lidar
from .residual_field import WINDOWS, correct_locally

#: Pixels of the input around the sky that are a blend of both where a student's map, at a quarter of its size, is enlarged.
BLEND = 3


@dataclass
class DistillationStep:
    """One batch. The estimator makes it and hands it to each distiller, so that the teacher is aligned once for all.

    Args:
        student: What the student says.
        teacher: What the teacher says, in the student's views.
        target: LiDAR.
        rig: Calibration of the student's views.
        max_depth: Metres: what is beyond it is not learned from, neither of ground truth nor of the aligned teacher, whose
            sky is at infinity.
    """

    student: StudentOutput
    teacher: TeacherOutput
    target: DepthTarget
    rig: RigBatch
    max_depth: float = 1e3
    _aligned: dict = field(default_factory=dict, init=False, repr=False)

    def labels(self, self_align: bool = False) -> DepthTarget:
        """What the teacher is aligned to: LiDAR, and with ``self_align`` the student's own depth where there is too little.

        That is where a view has fewer than 16 points; of a teacher with one scale for the rig, where a frame has.
        """
        if not self_align:
            return self.target
        dims = (-3, -2, -1) if self.teacher.space in MULTI_VIEW else (-2, -1)
        return own_depth_where_unlabelled(self.target, self.student.depth, dims)

    def metric_depth(self, self_align: bool = False, local: bool = False, sky: bool = False):
        """The teacher's depth in metres, without gradient, see :class:`AlignedDistiller`.

        Args:
            self_align: See :meth:`labels`.
            local: Correct it near LiDAR, see :func:`correct_locally`.
            sky: Trust it at ``max_depth`` and beyond, where it says no more than that, and beside.

        Returns:
            tuple: depth (B, N, H, W) in metres, valid (B, N, H, W) bool, where it is to be trusted and the world is seen, and
            spread (B, N, H, W), the root mean square of the residuals ln g - ln d that are left. The same objects for
            whoever asks for the same.
        """
        key = self_align, local, sky
        if key not in self._aligned:
            labels, target = self.labels(self_align), self.target
            # Two numbers fitted to the student's own depth are attenuated by its errors, as every regression on an
            # uncertain quantity is: the teacher comes out too flat, the student follows, and its world gets flatter with
            # every step.
            labelled = ~(labels.mask & ~target.mask).flatten(2).any(-1)
            depth, valid = align_to_lidar(self.teacher, labels, self.max_depth, shift=labelled)
            valid = valid & target.visible
            if not sky:
                valid = valid & ~_grown(depth >= self.max_depth, BLEND)
            measured = torch.where(target.mask, target.depth, labels.depth)
            # LiDAR only: near the student's own depth a correction would agree with whatever the student says.
            corrected, spread = correct_locally(
                depth, measured, target.mask & valid, labels.mask & valid, WINDOWS if local else ()
            )
            self._aligned[key] = corrected.clamp(max=self.max_depth) if local else depth, valid, spread
        return self._aligned[key]


def _grown(mask: Tensor, pixels: int) -> Tensor:
    """(B, N, H, W) bool: where a mask is true at most so many rows and columns away."""
    size = 2 * pixels + 1
    # Rows, then columns: a quarter of the time of both at once.
    rows = F.max_pool2d(mask.float(), (size, 1), stride=1, padding=(pixels, 0))
    return F.max_pool2d(rows, (1, size), stride=1, padding=(0, pixels)) > 0


def own_depth_where_unlabelled(target: DepthTarget, depth: Tensor, dims: tuple) -> DepthTarget:
    """The target, with the student's (B, N, H, W) depth as labels where there are fewer than 16 of their own over ``dims``."""
    unlabelled = target.mask.sum(dims, keepdim=True) < MIN_POINTS
    return DepthTarget(
        torch.where(unlabelled, depth.detach().float().clamp(min=1e-3), target.depth),
        torch.where(unlabelled, target.visible, target.mask),
        target.visible,
    )
