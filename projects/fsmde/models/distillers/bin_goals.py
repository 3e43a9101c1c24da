"""Distributions over the student's bins that say what a metric depth says, and how far the student is from them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fsmde.bins import DepthBins
from fsmde.structures import StudentOutput

from ..losses import masked_mean
from .maps import resize_mask


def at_logits(depth: Tensor, valid: Tensor, student: StudentOutput):
    """(B, N, H, W) depth in metres and its validity at the size of the student's logits, averaged in log depth.

    Where centers are factored the depth is divided by their scale at each pixel, so that it can be told in ``centers``.
    """
    size = student.logits.shape[-2:]
    small = F.interpolate(depth.log(), size=size, mode='bilinear', align_corners=False)
    if student.log_scale is not None:
        small = small - student.log_scale.detach()
    return small.exp(), resize_mask(valid, size)


def decode(bins: DepthBins, probabilities: Tensor, student: StudentOutput) -> Tensor:
    """(B, N, h, w) depth in metres that (B, N, K, h, w) probabilities give with the student's centers."""
    depth = bins.decode(probabilities, student.centers[..., None, None], dim=2)
    return depth if student.log_scale is None else depth * student.log_scale.exp()


def gaussian_goal(bins: DepthBins, depth: Tensor, spread: Tensor, student: StudentOutput) -> Tensor:
    """A Gaussian over the student's bins.

    Args:
        bins: The student's codec.
        depth: (B, N, h, w) metres, see :func:`at_logits`.
        spread: Standard deviation in bin space, broadcastable to ``depth``. One that is narrower than the mean distance
            of centers is widened to it: it would be no Gaussian.

    Returns:
        (B, N, K, h, w) probabilities, without gradients.
    """
    centers = student.centers.detach()[:, :, None, None]
    nodes = bins.to_bin_space(centers)
    spacing = (nodes[..., -1] - nodes[..., 0]) / (nodes.shape[-1] - 1)
    return bins.encode(depth, centers, torch.maximum(spread, spacing)).permute(0, 1, 4, 2, 3)


def rebinned_goal(bins: DepthBins, own: DepthBins, depth: Tensor, spread: float, student: StudentOutput) -> Tensor:
    """A Gaussian over bins of the teacher's own, brought onto the student's without losing mass.

    Args:
        bins: The student's codec.
        own: The teacher's bins, fixed.
        depth: (B, N, h, w) metres, see :func:`at_logits`.
        spread: Standard deviation of the Gaussian in widths of the teacher's bins.

    Returns:
        (B, N, K, h, w) probabilities, without gradients.
    """
    edges, centers = (values.to(depth, non_blocking=True) for values in (own.edges(), own.centers()))
    width = own.to_bin_space(edges[1]) - own.to_bin_space(edges[0])
    mine = own.encode(depth, centers, spread * width)
    matrix = bins.rebin_matrix(edges, bins.edges_between(student.centers.detach()))
    return torch.einsum('bnhwj,bnjk->bnkhw', mine, matrix)


def kl_divergence(goal: Tensor, logits: Tensor, weight: Tensor) -> Tensor:
    """KL(goal || softmax(logits)) over bins in nats, weighted mean over pixels.

    Args:
        goal, logits: (B, N, K, h, w).
        weight: (B, N, h, w).
    """
    counts = (weight > 0)[:, :, None]
    logits, goal = (torch.where(counts, x, torch.zeros_like(x)) for x in (logits.float(), goal))
    pointwise = F.kl_div(logits.log_softmax(2), goal, reduction='none').sum(2)
    return masked_mean(pointwise, weight)
