"""FitNets: the student's features, through a regressor, are the teacher's."""

from mmdet3d.registry import MODELS
from torch import nn

from ..losses import masked_mean
from .feature_distiller import FeatureDistiller


@MODELS.register_module()
class FitNetKD(FeatureDistiller):
    """1/2 |r(F_s) - F_t|^2 at each cell, r a 1x1 convolution: Romero et al., "FitNets: Hints for Thin Deep Nets" (ICLR
    2015), eq. 3, with the mean over channels for the sum.

    Args:
        kwargs: See :class:`FeatureDistiller`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.regressor = nn.Conv2d(self.student_channels, self.teacher_channels, 1)

    def compare(self, mine, theirs, valid):
        """``loss_kd_hint``."""
        return dict(loss_kd_hint=masked_mean((self.regressor(mine) - theirs).square().mean(1), valid) / 2)
