"""The student's bins as others need them: on a detector's uniform depth grid, and as one number of confidence."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from fsmde.bins import DepthBins


def rebin_to_grid(probabilities: Tensor, centers: Tensor, bins: DepthBins, grid_edges: Tensor) -> Tensor:
    """The mass that a distribution over adaptive bins has in each cell of a fixed depth grid.

    Mass nearer or farther than the grid is dropped; all other mass is kept (see :meth:`DepthBins.rebin`).

    Args:
        probabilities: (B, N, K, h, w).
        centers: (B, N, K) in metres.
        bins: Codec of the head that predicted them.
        grid_edges: (D + 1,) ascending edges in metres, > 0.

    Returns:
        (B, N, D, h, w).
    """
    around = torch.cat([grid_edges[:1] / 2, grid_edges, grid_edges[-1:] * 2])
    matrix = bins.rebin_matrix(bins.edges_between(centers), around)[..., 1:-1]
    return torch.einsum('bnkhw,bnkd->bndhw', probabilities, matrix)


def bin_confidence(logits: Tensor, size) -> Tensor:
    """1 - entropy / log K of (B, N, K, h, w) logits, at another size: (B, N, H, W) in [0, 1], 1 if one bin has it all."""
    log_p = logits.float().log_softmax(2)
    entropy = -(log_p.exp() * log_p).sum(2)
    confidence = (1 - entropy / math.log(logits.shape[2])).clamp(0, 1)
    return F.interpolate(confidence, size=tuple(size), mode='bilinear', align_corners=False)
