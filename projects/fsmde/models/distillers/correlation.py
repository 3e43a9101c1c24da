"""Pearson correlation over some of the values."""

import torch
from torch import Tensor


def pearson(x: Tensor, y: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Correlation of x and y over ``dim``, in [-1, 1]; 0, without gradients, where either of them is constant.

    Args:
        x, y: The same shape, float32.
        mask: Bool, broadcastable to them: the values that count. Others may be anything.
    """
    count = mask.expand_as(x).sum(dim, keepdim=True).clamp(min=1)

    def centered(values):
        values = torch.where(mask, values, torch.zeros_like(values))
        return torch.where(mask, values - values.sum(dim, keepdim=True) / count, torch.zeros_like(values))

    x, y = centered(x), centered(y)
    product, norms = (x * y).sum(dim), x.square().sum(dim) * y.square().sum(dim)
    varies = norms > 1e-16
    return torch.where(varies, product / torch.where(varies, norms, torch.ones_like(norms)).sqrt(), 0.0)
