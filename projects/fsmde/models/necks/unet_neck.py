"""The decoder of the classic encoder-decoder for depth."""

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import nn


@MODELS.register_module()
class UNetNeck(BaseModule):
    """monodepth2's depth decoder (Godard et al., ICCV 2019; `networks/depth_decoder.py`) up to its last convolution.

    At each level, coarsest first: 3x3 convolution, enlargement by nearest neighbours to the size of the next finer
    level, concatenation with it, 3x3 convolution. The finest level is enlarged to twice its size and has nothing to be
    concatenated with: behind a backbone whose finest map is at stride 2 the result is at the size of the image.

    Args:
        in_channels: Channels of each level, finest first. An estimator measures its backbone and passes them.
        channels: Channels of the decoder at each level, finest first.

    Raises:
        ValueError: If the two are not of the same length.
    """

    def __init__(self, in_channels, channels=(16, 32, 64, 128, 256), init_cfg=None):
        super().__init__(init_cfg)
        if len(channels) != len(in_channels):
            raise ValueError(
                f'channels {tuple(channels)} must name one number for each of the {len(in_channels)} levels of the '
                'backbone: set out_indices there, or channels here'
            )
        self.out_channels = channels[0]
        below = (*channels[1:], in_channels[-1])
        skips = (0, *in_channels[:-1])
        self.reduce = nn.ModuleList(self.block(a, b) for a, b in zip(below, channels))
        self.merge = nn.ModuleList(self.block(b + skip, b) for skip, b in zip(skips, channels))

    @staticmethod
    def block(in_channels, out_channels):
        """3x3 convolution with reflected borders, ELU."""
        act = dict(type='ELU')
        return ConvModule(in_channels, out_channels, 3, padding=1, padding_mode='reflect', act_cfg=act)

    def forward(self, levels):
        """Levels [(V, C_l, h_l, w_l)], finest first -> (V, channels[0], 2 h_0, 2 w_0)."""
        x = levels[-1]
        skips = (None, *levels[:-1])
        for skip, reduce, merge in zip(reversed(skips), reversed(self.reduce), reversed(self.merge)):
            x = reduce(x)
            if skip is None:
                x = F.interpolate(x, scale_factor=2, mode='nearest')
            else:
                x = torch.cat([F.interpolate(x, size=skip.shape[-2:], mode='nearest'), skip], 1)
            x = merge(x)
        return x
