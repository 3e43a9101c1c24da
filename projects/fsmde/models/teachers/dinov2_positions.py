"""DINOv2's position embeddings at other image sizes than its own, resized as its authors do."""

from types import MethodType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: ``interpolate_offset`` of DINOv2 without registers, in patches (``dinov2.py`` of Depth-Anything-V2).
OFFSET = 0.1


def resize_as_the_authors(network: nn.Module) -> None:
    """Let every DINOv2 of a transformers network resize its position embeddings as its authors' code, in place.

    That code resizes a grid of g x g embeddings to h x w patches by the factors (h + 0.1) / g and (w + 0.1) / g, which
    torch's ``interpolate`` then takes for the distance between samples; transformers' gives it the sizes h and w, so that
    samples lie elsewhere. The weights were trained with the former.
    """
    from transformers.models.dinov2.modeling_dinov2 import Dinov2Embeddings

    for module in network.modules():
        if isinstance(module, Dinov2Embeddings):
            module.interpolate_pos_encoding = MethodType(_interpolate, module)


def _interpolate(self, embeddings: Tensor, height: int, width: int) -> Tensor:
    """(1, 1 + h w, C) embeddings for images of height x width pixels: the class token's, then the patches'."""
    positions = self.position_embeddings
    side = round((positions.shape[1] - 1) ** 0.5)
    patch = self.patch_embeddings.projection.stride[0]
    h, w = height // patch, width // patch
    if h == w == side:
        return positions
    grid = positions[:, 1:].float().unflatten(1, (side, side)).permute(0, 3, 1, 2)
    factors = (h + OFFSET) / side, (w + OFFSET) / side
    grid = F.interpolate(grid, scale_factor=factors, mode='bicubic').flatten(2).transpose(1, 2)
    return torch.cat([positions[:, :1], grid.to(positions.dtype)], 1)
