"""Chamfer distance between points on a line: bin centers and the depths they are to cover."""

import torch
from torch import Tensor

from .silog import masked_mean


def nearest_distance(queries: Tensor, points: Tensor) -> Tensor:
    """Distance of each of (V, Q) queries to the nearest of (V, P) ascending points of the same row."""
    right = torch.searchsorted(points, queries.detach().contiguous()).clamp(max=points.shape[1] - 1)
    left = (right - 1).clamp(min=0)
    return torch.minimum((queries - points.gather(1, left)).abs(), (queries - points.gather(1, right)).abs())


def chamfer_1d(centers: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Bidirectional chamfer distance of V rows of centers and values, averaged over rows that have values.

    mean over values of min over centers |v - c|, plus mean over centers of min over values |v - c|: the bin-center
    density loss of AdaBins (Bhat et al., CVPR 2021, eq. 6) with absolute instead of squared distances, which far
    values would dominate. Sorting makes it O((K + P) log P) where the usual one is O(K P).

    Args:
        centers: (V, K) ascending.
        values: (V, P), used where ``mask``.
        mask: (V, P) bool.

    Returns:
        Scalar, 0 with zero gradients if no row has values.
    """
    count = mask.sum(1)
    has_values = count > 0
    to_centers = nearest_distance(torch.where(mask, values, centers[:, :1].detach()), centers)
    to_centers = torch.where(mask, to_centers, torch.zeros_like(to_centers)).sum(1) / count.clamp(min=1)
    # Masked values sort to the end, as copies of the row's largest so that no distance is infinite.
    largest = torch.where(mask, values, torch.full_like(values, -torch.inf)).amax(1, keepdim=True)
    filled = torch.where(mask, values, torch.where(has_values[:, None], largest, torch.zeros_like(largest)))
    to_values = nearest_distance(centers, filled.sort(1).values).mean(1)
    return masked_mean(to_centers + to_values, has_values)
