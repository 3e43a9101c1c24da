"""A top-down pyramid that costs little."""

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import nn


@MODELS.register_module()
class LightPyramidNeck(BaseModule):
    """Merge a backbone's levels top-down into one map at the finest level's stride.

    Each level is projected to ``channels`` (1x1), added to the enlarged coarser one and smoothed (3x3). Unlike an FPN
    only the finest map is returned, so coarser ones are smoothed at their own, small size.

    Args:
        in_channels: Channels of each level, finest first. An estimator measures its backbone and passes them.
        channels: Channels of the result.
        smooth_finest: Without it the finest level is only rectified, and left to the head, which begins with a 3x3
            convolution of its own: at stride 4 such a one costs more than the rest of the neck.
        norm_cfg: Normalisation of the convolutions.
    """

    def __init__(
        self,
        in_channels,
        channels: int = 64,
        smooth_finest: bool = True,
        norm_cfg=dict(type='BN'),  # noqa: B006
        init_cfg=None,
    ):
        super().__init__(init_cfg)
        self.out_channels = channels
        self.lateral = nn.ModuleList(ConvModule(c, channels, 1, norm_cfg=norm_cfg, act_cfg=None) for c in in_channels)
        self.smooth = nn.ModuleList(
            ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg) for _ in in_channels
        )
        if not smooth_finest:
            self.smooth[0] = nn.ReLU()

    def forward(self, levels):
        """Levels [(V, C_l, h_l, w_l)], finest first -> (V, channels, h_0, w_0)."""
        merged = None
        for level, lateral, smooth in zip(reversed(levels), reversed(self.lateral), reversed(self.smooth)):
            projected = lateral(level)
            if merged is not None:
                projected = projected + F.interpolate(merged, size=level.shape[-2:], mode='nearest')
            merged = smooth(projected)
        return merged
