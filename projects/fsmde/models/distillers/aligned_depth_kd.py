"""Response KD in metres: the student's depth follows the aligned teacher's, and so do its steps between pixels."""

import torch
from mmdet3d.registry import MODELS

from ..losses import masked_mean
from ..losses.scale_invariant import gradient_matching
from .aligned_distiller import AlignedDistiller


@MODELS.register_module()
class AlignedDepthKD(AlignedDistiller):
    """Absolute error and gradient matching of log depth at the input's size, with the aligned teacher as the target.

    With r = ln d_s - ln d_t of the student's depth and the teacher's, aligned to LiDAR in each view and corrected near it:
    ``loss_kd_depth`` is the mean of |r|, weighted by exp(-spread / tau) as in :class:`CrossInteractionKD`, and
    ``loss_kd_gradient`` the mean step of r between neighbours summed over four scales (Li and Snavely, MegaDepth, CVPR
    2018, eq. 5), which no error of the teacher's scale reaches. Unlike probabilities at the logits' size both see edges.

    Args:
        depth_weight, gradient_weight: Of the two losses; 0 leaves one out.
        tau: In log depth.
        local: See :class:`AlignedDistiller`.
        kwargs: See :class:`AlignedDistiller`.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self, depth_weight: float = 0.5, gradient_weight: float = 0.25, tau: float = 0.3, local: bool = True, **kwargs
    ):
        super().__init__(local=local, **kwargs)
        if min(depth_weight, gradient_weight) < 0 or not tau > 0:
            raise ValueError(
                f'AlignedDepthKD: weights must be >= 0 and tau > 0, found depth_weight={depth_weight}, '
                f'gradient_weight={gradient_weight}, tau={tau}'
            )
        self.depth_weight, self.gradient_weight, self.tau = depth_weight, gradient_weight, tau

    def loss(self, step):
        depth, valid, spread = self.metric_depth_and_spread(step)
        ones = torch.ones_like(depth)
        mine = torch.where(valid, step.student.depth.float(), ones).clamp(min=1e-3)
        residual = mine.log() - torch.where(valid, depth, ones).log()
        losses = {}
        if self.depth_weight:
            weight = (-spread / self.tau).exp() * valid
            losses['loss_kd_depth'] = self.depth_weight * masked_mean(residual.abs(), weight)
        if self.gradient_weight:
            gradient = gradient_matching(residual.flatten(0, 1), valid.flatten(0, 1), scales=4)
            losses['loss_kd_gradient'] = self.gradient_weight * gradient
        return {key: self.loss_weight * value for key, value in losses.items()}
