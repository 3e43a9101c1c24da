"""MGD: from a part of its features the student can tell all of the teacher's."""

import torch
from mmdet3d.registry import MODELS
from torch import nn

from ..losses import masked_mean
from .feature_distiller import FeatureDistiller


@MODELS.register_module()
class MaskedGenerativeKD(FeatureDistiller):
    """|G(r(F_s) M) - F_t|^2 at each cell: MGD of Yang et al., "Masked Generative Distillation" (ECCV 2022), with means
    over channels and cells for sums.

    M is 0 in a share of the cells, drawn anew in each step and the same for all channels; G is two 3x3 convolutions with
    a ReLU between, r a 1x1 convolution where channels differ in number.

    Args:
        mask_ratio: Share of the cells that is hidden from G.
        kwargs: See :class:`FeatureDistiller`.
    """

    def __init__(self, mask_ratio: float = 0.65, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= mask_ratio < 1:
            raise ValueError(f'MaskedGenerativeKD: mask_ratio must lie in [0, 1), found {mask_ratio}')
        channels = self.teacher_channels
        self.mask_ratio, self.align = mask_ratio, self.adapter()
        self.generator = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def compare(self, mine, theirs, valid):
        """``loss_kd_generative``."""
        shown = torch.rand(valid.shape, device=valid.device) >= self.mask_ratio
        generated = self.generator(self.align(mine) * shown[:, None])
        return dict(loss_kd_generative=masked_mean((generated - theirs).square().mean(1), valid))
