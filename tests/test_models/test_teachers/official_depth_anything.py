"""Depth Anything V2 in its authors' tensor names, written from its description: DINOv2 with fused qkv, DPT head.

Only tests use it, to compare outputs with.
"""

import torch
import torch.nn.functional as F
from torch import nn

PATCH = 14


class LayerScale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * self.gamma


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        query, key, value = self.qkv(x).unflatten(-1, (3, -1, 64)).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(-1, -2) / 64**0.5).softmax(-1)
        return self.proj((weights @ value).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width), Mlp(width)
        self.ls1, self.ls2 = LayerScale(width), LayerScale(width)

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class DinoV2(nn.Module):
    def __init__(self, width, depth, grid):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid * grid, width))
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, PATCH, PATCH)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def resized_positions(self, rows, columns):
        """As ``interpolate_pos_encoding`` of the authors' dinov2.py, with its offset of 0.1 and without antialiasing."""
        side = self.pos_embed.shape[1] - 1
        if (rows, columns) == (side**0.5, side**0.5):
            return self.pos_embed
        maps = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (int(side**0.5), -1))
        scale = ((rows + 0.1) / side**0.5, (columns + 0.1) / side**0.5)
        maps = F.interpolate(maps, scale_factor=scale, mode='bicubic', antialias=False)
        assert maps.shape[2:] == (rows, columns)
        return torch.cat([self.pos_embed[:, :1], maps.flatten(2).transpose(1, 2)], 1)

    def forward(self, x, taken):
        """Patch maps of the blocks ``taken``."""
        x = self.patch_embed.proj(x)
        grid = x.shape[-2:]
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.resized_positions(*grid)
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in taken:
                maps.append(self.norm(x)[:, 1:].transpose(1, 2).unflatten(2, grid))
        return maps


class ResidualUnit(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(self.conv1(x.relu()).relu())


class Refine(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.resConfUnit1, self.resConfUnit2 = ResidualUnit(channels), ResidualUnit(channels)
        self.out_conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x, skip, size):
        if skip is not None:
            x = x + self.resConfUnit1(skip)
        return self.out_conv(F.interpolate(self.resConfUnit2(x), size, mode='bilinear', align_corners=True))


class DptHead(nn.Module):
    def __init__(self, width, necks, channels):
        super().__init__()
        self.projects = nn.ModuleList(nn.Conv2d(width, neck, 1) for neck in necks)
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(necks[0], necks[0], 4, 4),
                nn.ConvTranspose2d(necks[1], necks[1], 2, 2),
                nn.Identity(),
                nn.Conv2d(necks[3], necks[3], 3, 2, 1),
            ]
        )
        self.scratch = nn.Module()
        for level, neck in enumerate(necks, start=1):
            setattr(self.scratch, f'layer{level}_rn', nn.Conv2d(neck, channels, 3, padding=1, bias=False))
            setattr(self.scratch, f'refinenet{level}', Refine(channels))
        self.scratch.output_conv1 = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.scratch.output_conv2 = nn.Sequential(
            nn.Conv2d(channels // 2, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 1, 1)
        )

    def forward(self, maps):
        """Fused features, and the output before its last activation."""
        size = [PATCH * side for side in maps[0].shape[-2:]]
        levels = [
            getattr(self.scratch, f'layer{i + 1}_rn')(self.resize_layers[i](self.projects[i](x)))
            for i, x in enumerate(maps)
        ]
        path = self.scratch.refinenet4(levels[3], None, levels[2].shape[-2:])
        path = self.scratch.refinenet3(path, levels[2], levels[1].shape[-2:])
        path = self.scratch.refinenet2(path, levels[1], levels[0].shape[-2:])
        path = self.scratch.refinenet1(path, levels[0], [2 * side for side in levels[0].shape[-2:]])
        out = F.interpolate(self.scratch.output_conv1(path), size, mode='bilinear', align_corners=True)
        return path, self.scratch.output_conv2(out)[:, 0]


class DepthAnythingV2(nn.Module):
    """A tiny one, with weights that make every tensor matter."""

    def __init__(self, width=128, depth=4, grid=4, necks=(16, 24, 32, 40), channels=16):
        super().__init__()
        self.pretrained, self.depth_head = DinoV2(width, depth, grid), DptHead(width, necks, channels)
        self.taken = [depth * i // 4 - 1 for i in (1, 2, 3, 4)]
        generator = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data = 0.15 * torch.randn(parameter.shape, generator=generator)
        # So that the last ReLU lets most of it through.
        self.depth_head.scratch.output_conv2[2].bias.data.fill_(1)

    def forward(self, x):
        return self.depth_head(self.pretrained(x, self.taken))
