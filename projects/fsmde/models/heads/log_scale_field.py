"""A smooth field of log scale over each view."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LogScaleField(nn.Module):
    """s(x) = s_0 + bound tanh(w . F(x) + b) of features averaged over squares; s_0 is learned, s starts at 0.

    Args:
        in_channels: Of the features.
        bound: Of |s - s_0|, in natural log.
        stride: Side of the squares, in pixels of the features.
    """

    def __init__(self, in_channels: int, bound: float, stride: int):
        super().__init__()
        self.bound, self.stride = bound, stride
        self.level = nn.Parameter(torch.zeros(()))
        self.regressor = nn.Conv2d(in_channels, 1, 1)
        nn.init.zeros_(self.regressor.weight)
        nn.init.zeros_(self.regressor.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(V, C, h, w) -> (V, h, w)."""
        size = features.shape[-2:]
        coarse = F.avg_pool2d(features, [min(self.stride, side) for side in size])
        field = self.level + self.bound * self.regressor(coarse).tanh()
        return F.interpolate(field, size=size, mode='bilinear', align_corners=False).squeeze(1)
