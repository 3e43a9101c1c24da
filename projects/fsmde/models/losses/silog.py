"""Scale-invariant logarithmic loss, and means over masks that agree between one process and many."""

import torch
from mmdet.utils import reduce_mean
from mmdet3d.registry import MODELS
from torch import Tensor, nn


def masked_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of all processes' values: sum(values * weights) / sum(weights), 0 where all weights are 0.

    The divisor is the mean of the weights' sums over processes, so that gradients averaged by DDP are those of one
    process that sees the whole batch.

    Args:
        values: Any shape, finite wherever ``weights`` is not 0.
        weights: Same shape, >= 0; bool counts as 0 and 1.
    """
    weights = weights.to(values.dtype)
    total = (torch.where(weights > 0, values, torch.zeros_like(values)) * weights).sum()
    return total / reduce_mean(weights.sum().detach()).clamp(min=1e-6)


def silog(prediction: Tensor, target: Tensor, mask: Tensor, variance_focus: float = 0.85, eps: float = 1e-4) -> Tensor:
    """SILog of each frame, averaged over the frames that have ground truth.

    sqrt(mean(e^2) - variance_focus * mean(e)^2), e = ln prediction - ln target, means over all valid pixels of a frame's
    N views (Eigen et al., NeurIPS 2014, eq. 4; the root as in Lee et al., "From Big to Small", eq. 4).

    Args:
        prediction, target: (B, N, H, W) metres.
        mask: (B, N, H, W) bool, where ``target`` may be used.
        eps: Added under the root, whose derivative at 0 is infinite, and taken off again, so that a perfect prediction
            has loss 0.

    Returns:
        Scalar, 0 with zero gradients if no frame has ground truth.
    """
    ones = torch.ones_like(target)
    error = torch.where(mask, prediction.float(), ones).clamp(min=1e-3).log() - torch.where(mask, target, ones).log()
    count = mask.flatten(1).sum(1)
    divisor = count.clamp(min=1)
    mean = error.flatten(1).sum(1) / divisor
    mean_square = error.square().flatten(1).sum(1) / divisor
    value = (mean_square - variance_focus * mean.square()).clamp(min=0)
    return masked_mean((value + eps).sqrt() - eps**0.5, count > 0)


@MODELS.register_module()
class SILogLoss(nn.Module):
    """:func:`silog` with a weight."""

    def __init__(self, variance_focus: float = 0.85, loss_weight: float = 1.0):
        super().__init__()
        if loss_weight < 0 or not 0 <= variance_focus <= 1:
            raise ValueError(
                f'loss_weight must be >= 0 and variance_focus in [0, 1], found {loss_weight} and {variance_focus}'
            )
        self.variance_focus, self.loss_weight = variance_focus, loss_weight

    def forward(self, prediction, target, mask):
        return self.loss_weight * silog(prediction, target, mask, self.variance_focus)
