"""The usual supervised baseline: one sigmoid a pixel."""

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from fsmde.structures import StudentOutput

from .base_depth_head import BaseDepthHead


@MODELS.register_module()
class RegressionDepthHead(BaseDepthHead):
    """depth = 1 / (1/max + (1/min - 1/max) sigmoid(x)): monodepth2's ``disp_to_depth`` (Godard et al., ICCV 2019).

    Args:
        in_channels: Channels of the neck.
        min_depth, max_depth: Range in metres at the reference focal length.
        channels: Hidden channels; those of the neck by default, 0 for a single 3x3 convolution as monodepth2 has it.
        kwargs: See :class:`BaseDepthHead`.
    """

    def __init__(
        self,
        in_channels: int,
        min_depth: float = 0.5,
        max_depth: float = 200.0,
        channels: int = None,
        norm_cfg=dict(type='BN'),  # noqa: B006
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 < min_depth < max_depth:
            raise ValueError(f'0 < min_depth < max_depth must hold, found {min_depth} and {max_depth}')
        self.nearest, self.farthest = 1 / min_depth, 1 / max_depth
        self.reach = max_depth
        if channels == 0:
            self.hidden = nn.Identity()
            self.regressor = nn.Conv2d(in_channels, 1, 3, padding=1, padding_mode='reflect')
        else:
            channels = channels or in_channels
            self.hidden = ConvModule(in_channels, channels, 3, padding=1, norm_cfg=norm_cfg)
            self.regressor = nn.Conv2d(channels, 1, 1)

    def forward(self, features: Tensor, cam2img: Tensor, image_size) -> StudentOutput:
        """Features (B * N, C, h, w), intrinsics (B, N, 3, 3) and the input's (H, W) -> prediction without bins."""
        value = self.regressor(self.hidden(features)).squeeze(1).unflatten(0, cam2img.shape[:2])
        with torch.autocast(features.device.type, enabled=False):
            disparity = self.farthest + (self.nearest - self.farthest) * value.float().sigmoid()
            depth = self.focal_scale(cam2img)[..., None, None] / disparity
            return StudentOutput(self.to_input_size(depth, image_size), features=features)
