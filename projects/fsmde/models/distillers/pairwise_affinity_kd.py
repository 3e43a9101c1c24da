"""Structured KD: which regions of a view are alike."""

import torch.nn.functional as F
from mmdet3d.registry import MODELS

from ..losses import masked_mean
from .feature_distiller import FeatureDistiller


@MODELS.register_module()
class PairwiseAffinityKD(FeatureDistiller):
    """Mean over pairs (i, j) of a view's regions of (a^s_ij - a^t_ij)^2, a_ij the cosine of their features: Liu et al.,
    "Structured Knowledge Distillation for Semantic Segmentation" (CVPR 2019), its pair-wise part, every region
    connected with every other.

    Channels need not agree.

    Args:
        grid, kwargs: See :class:`FeatureDistiller`; the cells are the regions.
    """

    def __init__(self, grid: tuple = (12, 20), **kwargs):
        super().__init__(grid=grid, **kwargs)

    def compare(self, mine, theirs, valid):
        """``loss_kd_affinity``."""
        mine, theirs = (F.normalize(x.flatten(2), dim=1) for x in (mine, theirs))
        difference = mine.transpose(1, 2) @ mine - theirs.transpose(1, 2) @ theirs
        used = valid.flatten(1)
        return dict(loss_kd_affinity=masked_mean(difference.square(), used[:, :, None] & used[:, None]))
