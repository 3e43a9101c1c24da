"""Attention over all views of a rig, which knows where each of them looks from and to."""

import torch
from torch import Tensor, nn

from fsmde.rig import RigBatch


class CrossViewAttention(nn.Module):
    """Adds to a feature map what the cells of all views of a frame say to each other.

    Each cell of each view is a token: its features and an embedding of its ray in the ego frame, which are the direction d
    (of length 1), the camera's place o in metres and o x d (Pluecker coordinates). Transformer layers let all tokens of a
    frame look at each other. No token has a number: the order of views changes nothing, and their number is free. What is
    added begins as 0.

    Args:
        in_channels: Of the feature map.
        channels, layers, heads: Of the transformer.
    """

    def __init__(self, in_channels: int, channels: int = 128, layers: int = 3, heads: int = 4):
        super().__init__()
        self.project = nn.Linear(in_channels, channels)
        self.embed = nn.Sequential(nn.Linear(9, channels), nn.GELU(), nn.Linear(channels, channels))
        layer = nn.TransformerEncoderLayer(
            channels, heads, 2 * channels, dropout=0, activation='gelu', batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(channels), enable_nested_tensor=False)
        self.back = nn.Linear(channels, in_channels)
        nn.init.zeros_(self.back.weight), nn.init.zeros_(self.back.bias)

    def forward(self, features: Tensor, rig: RigBatch) -> Tensor:
        """(B * N, C, h, w) features of all views and their rig -> the same, changed."""
        B, N = rig.cam2img.shape[:2]
        h, w = features.shape[-2:]
        rays = torch.einsum('bnij,bnhwj->bnhwi', rig.cam2ego[..., :3, :3], rig.rays(h, w))
        directions = rays / rays.norm(dim=-1, keepdim=True)
        origins = rig.cam2ego[:, :, None, None, :3, 3].expand_as(directions)
        places = torch.cat([directions, origins, torch.linalg.cross(origins, directions)], -1)
        tokens = features.flatten(2).mT.reshape(B, N * h * w, -1)
        tokens = self.project(tokens) + self.embed(places.to(features.dtype)).flatten(1, 3)
        added = self.back(self.layers(tokens))
        return features + added.reshape(B * N, h * w, -1).mT.unflatten(-1, (h, w))
