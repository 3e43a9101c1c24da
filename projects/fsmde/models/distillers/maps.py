"""Bringing masks of one size to another."""

import torch.nn.functional as F
from torch import Tensor


def resize_mask(mask: Tensor, size) -> Tensor:
    """(B, N, H, W) bool -> (B, N, h, w) bool: where all is valid that a bilinear map of that size is made of."""
    return F.interpolate(mask.float(), size=tuple(size), mode='bilinear', align_corners=False) > 0.999
