"""Channel-wise KD: where in the view each channel is active."""

import torch.nn.functional as F
from mmdet3d.registry import MODELS

from ..losses import masked_mean
from .feature_distiller import FeatureDistiller


@MODELS.register_module()
class ChannelWiseKD(FeatureDistiller):
    """T^2 / C sum_c KL(softmax(F_t,c / T) || softmax(F_s,c / T)), softmax over the cells of a view: CWD of Shu et al.,
    "Channel-wise Knowledge Distillation for Dense Prediction" (ICCV 2021).

    Where channels differ in number a 1x1 convolution brings the student's to the teacher's.

    Args:
        temperature: T.
        kwargs: See :class:`FeatureDistiller`.
    """

    def __init__(self, temperature: float = 4.0, **kwargs):
        super().__init__(**kwargs)
        if not temperature > 0:
            raise ValueError(f'ChannelWiseKD: temperature must be positive, found {temperature}')
        self.temperature, self.align = temperature, self.adapter()

    def compare(self, mine, theirs, valid):
        """``loss_kd_channel``."""
        mine, goal = (
            (x / self.temperature).masked_fill(~valid[:, None], -1e4).flatten(2).log_softmax(-1)
            for x in (self.align(mine), theirs)
        )
        views = F.kl_div(mine, goal, log_target=True, reduction='none').sum(-1).mean(1)
        return dict(loss_kd_channel=self.temperature**2 * masked_mean(views, valid.flatten(1).any(1)))
