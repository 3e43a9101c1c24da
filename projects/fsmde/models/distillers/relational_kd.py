"""RKD: distances and angles between the features of a view's regions."""

import torch
import torch.nn.functional as F
from mmdet3d.registry import MODELS
from torch import Tensor

from ..losses import masked_mean
from .feature_distiller import FeatureDistiller


@MODELS.register_module()
class RelationalKD(FeatureDistiller):
    """Huber losses between teacher and student of distances |f_i - f_j| over their mean, and of the cosines of the angles
    at f_j between f_i and f_k: Park et al., "Relational Knowledge Distillation" (CVPR 2019), RKD-D and RKD-A.

    What is related are the regions of one view, the cells of a coarse grid: a batch has too few images, and angles grow
    with the cube of the number. Channels need not agree.

    Args:
        distance_weight, angle_weight: Of ``loss_kd_distance`` and ``loss_kd_angle``; 1 to 2 in the paper.
        grid, kwargs: See :class:`FeatureDistiller`.
    """

    def __init__(self, distance_weight: float = 1.0, angle_weight: float = 2.0, grid: tuple = (4, 6), **kwargs):
        super().__init__(grid=grid, **kwargs)
        if min(distance_weight, angle_weight) < 0:
            raise ValueError(
                f'RelationalKD: weights must be >= 0, found distance_weight={distance_weight}, angle_weight={angle_weight}'
            )
        self.distance_weight, self.angle_weight = distance_weight, angle_weight

    def compare(self, mine, theirs, valid):
        """``loss_kd_distance`` and ``loss_kd_angle``."""
        used = valid.flatten(1)
        pairs = used[:, :, None] & used[:, None] & ~torch.eye(used.shape[1], dtype=torch.bool, device=used.device)
        triplets = pairs[:, :, :, None] & pairs[:, :, None]
        mine, theirs = (differences(x.flatten(2).transpose(1, 2)) for x in (mine, theirs))
        distance, angle = (
            masked_mean(F.smooth_l1_loss(relation(mine, pairs), relation(theirs, pairs), reduction='none'), where)
            for relation, where in ((relative_distances, pairs), (angles, triplets))
        )
        return dict(loss_kd_distance=self.distance_weight * distance, loss_kd_angle=self.angle_weight * angle)


def differences(tokens: Tensor) -> Tensor:
    """(V, T, C) -> (V, T, T, C): from token j to token i at [:, j, i]."""
    return tokens[:, None] - tokens[:, :, None]


def relative_distances(difference: Tensor, pairs: Tensor) -> Tensor:
    """(V, T, T) distances, over the mean of those of a view's ``pairs``."""
    distance = difference.square().sum(-1).clamp(min=1e-12).sqrt()
    mean = (distance * pairs).sum((1, 2), keepdim=True) / pairs.sum((1, 2), keepdim=True).clamp(min=1)
    return distance / mean.clamp(min=1e-6)


def angles(difference: Tensor, pairs: Tensor) -> Tensor:
    """(V, T, T, T) cosines of the angles at token j between tokens i and k, at [:, j, i, k]."""
    direction = F.normalize(difference, dim=-1)
    return direction @ direction.transpose(-1, -2)
