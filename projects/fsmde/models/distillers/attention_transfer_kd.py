"""Attention transfer: where in the view features are strong."""

import torch.nn.functional as F
from mmdet3d.registry import MODELS

from ..losses import masked_mean
from .feature_distiller import FeatureDistiller


@MODELS.register_module()
class AttentionTransferKD(FeatureDistiller):
    """1/2 | Q_s / |Q_s| - Q_t / |Q_t| |^2 of each view's attention map Q = sum_c F_c^2: Zagoruyko and Komodakis, "Paying
    More Attention to Attention" (ICLR 2017), eq. 2, squared as in their code.

    Channels need not agree.

    Args:
        kwargs: See :class:`FeatureDistiller`.
    """

    def compare(self, mine, theirs, valid):
        """``loss_kd_attention``, 1 - the cosine of the two maps."""
        mine, theirs = (F.normalize((x.square().sum(1) * valid).flatten(1), dim=1) for x in (mine, theirs))
        views = (mine - theirs).square().sum(1) / 2
        return dict(loss_kd_attention=masked_mean(views, valid.flatten(1).any(1)))
