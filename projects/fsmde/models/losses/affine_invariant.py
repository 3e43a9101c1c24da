"""Loss on disparity whose scale and shift are unknown."""

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from .silog import masked_mean


def masked_median(values: Tensor, mask: Tensor) -> Tensor:
    """Median over the last axis of the (..., P) values that count, (..., 1); 0 where none does.

    Of an even number of values it is the lower of the middle two.
    """
    return values.masked_fill(~mask, torch.nan).nanmedian(-1, keepdim=True).values.nan_to_num()


def normalize(values: Tensor, mask: Tensor) -> Tensor:
    """(values - t) / s of each image: t the median, s the mean absolute deviation from it.

    Ranftl et al., "Towards Robust Monocular Depth Estimation" (MiDaS, TPAMI 2022), eq. 5; Depth Anything (Yang et al.,
    CVPR 2024), eq. 2.

    Args:
        values: (V, H, W).
        mask: (V, H, W) bool, the pixels that count; elsewhere the result means nothing.
    """
    rows, used = values.flatten(1), mask.flatten(1)
    median = masked_median(rows, used)
    deviation = (rows - median).abs().masked_fill(~used, 0).sum(1, keepdim=True) / used.sum(1, keepdim=True).clamp(
        min=1
    )
    return ((rows - median) / deviation.clamp(min=1e-6)).view_as(values)


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
class AffineInvariantLoss(nn.Module):
    """L1 between inverse depths that are normalised in each image, with multi-scale gradient matching.

    What relative networks such as MiDaS and Depth Anything are trained with (without MiDaS' trimming, which is for wrong
    ground truth). Any affine map of an image's inverse depth leaves it as it is, so with it a head learns inverse depth
    up to scale and shift, whatever the rig.

    Args:
        gradient_weight, scales: Of gradient matching; 0.5 and 4 as in MiDaS.
        loss_weight: Of the sum.
    """

    def __init__(self, gradient_weight: float = 0.5, scales: int = 4, loss_weight: float = 1.0):
        super().__init__()
        if gradient_weight < 0 or scales < 1 or loss_weight < 0:
            raise ValueError(
                'gradient_weight >= 0, scales >= 1 and loss_weight >= 0 must hold, found '
                f'{gradient_weight}, {scales} and {loss_weight}'
            )
        self.gradient_weight, self.scales, self.loss_weight = gradient_weight, scales, loss_weight

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Depths (B, N, H, W) > 0 and where the target may be used -> scalar, 0 with zero gradients if nowhere."""
        prediction, mask = 1 / prediction.float().flatten(0, 1), mask.flatten(0, 1)
        target = 1 / torch.where(mask, target.flatten(0, 1), torch.ones_like(prediction))
        error = normalize(prediction, mask) - normalize(target, mask)
        loss = masked_mean(error.abs(), mask)
        if self.gradient_weight:
            loss = loss + self.gradient_weight * gradient_matching(error, mask, self.scales)
        return self.loss_weight * loss
