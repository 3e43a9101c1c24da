"""The student's bins as others need them: on a detector's uniform depth grid, and as one number of confidence."""

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
    """:meth:`DepthBins.confidence` of (B, N, K, h, w) logits, at another size: (B, N, H, W) in [0, 1]."""
    return F.interpolate(DepthBins.confidence(logits, 2), size=tuple(size), mode='bilinear', align_corners=False)
