"""Dense loss on depth whose scale is unknown in each image."""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .silog import masked_mean


def masked_median(values: Tensor, mask: Tensor) -> Tensor:
    """Median over the last axis of the (..., P) values that count, (..., 1); 0 where none does.

    Of an even number of values it is the lower of the middle two.
    """
    return values.masked_fill(~mask, torch.nan).nanmedian(-1, keepdim=True).values.nan_to_num()


def gradient_matching(error: Tensor, mask: Tensor, scales: int) -> Tensor:
    """Mean absolute step of an error (V, H, W) between neighbours, summed over both directions and ``scales``.

    At scale k every 2^k-th row and column is looked at: MiDaS, eq. 11; Li and Snavely, MegaDepth (CVPR 2018), eq. 5.
    """
    total = 0
    for k in range(scales):
        step = 2**k
        e, m = error[:, ::step, ::step], mask[:, ::step, ::step]
        total = total + masked_mean((e[:, 1:] - e[:, :-1]).abs(), m[:, 1:] & m[:, :-1])
        total = total + masked_mean((e[:, :, 1:] - e[:, :, :-1]).abs(), m[:, :, 1:] & m[:, :, :-1])
    return total


@MODELS.register_module()
class ScaleInvariantLoss(nn.Module):
    """L1 between log depths up to the scale of each image or rig, with multi-scale gradient matching of their difference.

    Li and Snavely, MegaDepth (CVPR 2018), eq. 3 to 5, with absolute in place of squared differences, and the median in
    place of the mean of each image's difference. Unlike the loss of MiDaS and Depth Anything on normalised inverse depth
    it weighs an error by its ratio to the depth, near and far alike, and what a network learns has no unknown shift.

    Args:
        gradient_weight, scales: Of gradient matching; 0.5 as in MegaDepth, 4 scales.
        loss_weight: Of the sum.
        scope: What has one unknown scale, each 'view' or the views of a 'rig' together.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, gradient_weight: float = 0.5, scales: int = 4, loss_weight: float = 1.0, scope: str = 'view'):
        super().__init__()
        if gradient_weight < 0 or scales < 1 or loss_weight < 0:
            raise ValueError(
                'gradient_weight >= 0, scales >= 1 and loss_weight >= 0 must hold, found '
                f'{gradient_weight}, {scales} and {loss_weight}'
            )
        if scope not in ('view', 'rig'):
            raise ValueError(f"scope must be 'view' or 'rig', found {scope!r}")
        self.scope = scope
        self.gradient_weight, self.scales, self.loss_weight = gradient_weight, scales, loss_weight

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Depths (B, N, H, W) > 0 and where the target may be used -> scalar, 0 with zero gradients if nowhere."""
        ones = torch.ones_like(target)
        error = torch.where(mask, prediction.float(), ones).log() - torch.where(mask, target, ones).log()
        first = 1 if self.scope == 'rig' else 2
        scale = masked_median(error.flatten(first), mask.flatten(first))
        error = error - scale.view(*error.shape[:first], *[1] * (4 - first))
        error, mask = error.flatten(0, 1), mask.flatten(0, 1)
        loss = masked_mean(error.abs(), mask)
        if self.gradient_weight:
            loss = loss + self.gradient_weight * gradient_matching(error, mask, self.scales)
        return self.loss_weight * loss
