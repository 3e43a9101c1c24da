"""Response KD: the student's depth has the teacher's shape, whatever its scale and shift."""

import torch
import torch.nn.functional as F
from mmdet3d.registry import MODELS
from torch import Tensor

from fsmde.structures import MULTI_VIEW

from ..losses import masked_mean
from ..losses.scale_invariant import gradient_matching, masked_median
from .base import DepthDistiller
from .maps import resize_mask


@MODELS.register_module()
class ScaleShiftInvariantKD(DepthDistiller):
    """Scale- and shift-invariant trimmed absolute error and gradient matching, with the teacher in the place of labels.

    Ranftl et al., "Towards Robust Monocular Depth Estimation" (MiDaS, TPAMI 2020), section 5: L_ssitrim and L_reg. Both
    maps of a view are brought to median 0 and mean absolute deviation 1; the losses are half the mean residual r, the
    largest left out, and ``gradient_weight`` times the mean step of r between neighbours, summed over four scales. No
    LiDAR is read.

    The student is compared in the teacher's ``space``: its inverse depth where that is disparity. Teachers without an
    unknown shift keep it, and metric teachers their scale too; where views share one scale both sides have one for a frame.

    Args:
        trim: Share of the largest residuals of a view that is dropped; 0 for the plain absolute error.
        gradient_weight: Of the gradient matching, in ``loss_kd_response_gradient``; 0 leaves it out.
        stride: Pixels are compared every so many rows and columns of the input: by default those of the student's map.
        kwargs: See :class:`DepthDistiller`.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, trim: float = 0.2, gradient_weight: float = 0.5, stride: int = 4, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= trim < 1 or gradient_weight < 0 or stride < 1:
            raise ValueError(
                'ScaleShiftInvariantKD: trim must lie in [0, 1), gradient_weight be >= 0 and stride >= 1, found '
                f'{trim}, {gradient_weight} and {stride}'
            )
        self.trim, self.gradient_weight, self.stride = trim, gradient_weight, stride

    def loss(self, step):
        student, teacher, target = step.student, step.teacher, step.target
        size, first = student.depth.shape[-2:], self.stride // 2
        depth = F.interpolate(teacher.depth, size=size, mode='bilinear', align_corners=False)
        valid = resize_mask(teacher.valid, size) & target.visible
        mine, theirs, valid = (
            x[..., first :: self.stride, first :: self.stride] for x in (student.depth.float(), depth, valid)
        )
        mine, theirs = (torch.where(valid, x, torch.ones_like(x)) for x in (mine, theirs))
        mine = mine.clamp(min=1e-3)
        mine = 1 / mine if teacher.space == 'disparity_affine_invariant' else mine
        shift, scale = shift_and_scale(theirs, valid, teacher.space)
        if teacher.space == 'depth_metric':
            my_shift, my_scale = shift, scale
        else:
            my_shift, my_scale = shift_and_scale(mine, valid, teacher.space)
        residual = (mine - my_shift) / my_scale - (theirs - shift) / scale
        losses = dict(loss_kd_response=self.loss_weight * trimmed_mean(residual.abs(), valid, self.trim) / 2)
        if self.gradient_weight:
            gradient = gradient_matching(residual.flatten(0, 1), valid.flatten(0, 1), scales=4)
            losses['loss_kd_response_gradient'] = self.loss_weight * self.gradient_weight * gradient
        return losses


def shift_and_scale(values: Tensor, mask: Tensor, space: str):
    """Median and mean absolute deviation from it, of each (h, w) map: (B, N, 1, 1) each; (B, 1, 1, 1) of all maps of a frame
    where they share their unknowns.

    Spaces without an unknown shift have shift 0. Maps without a valid pixel have shift 0 and scale 1.
    """
    groups = 1 if space in MULTI_VIEW else values.shape[1]
    flat, used = (x.reshape(len(x), groups, -1) for x in (values, mask))
    count = used.sum(-1, keepdim=True)
    shift = masked_median(flat, used) if 'affine' in space else torch.zeros_like(flat[..., :1])
    deviation = torch.where(used, (flat - shift).abs(), torch.zeros_like(flat)).sum(-1, keepdim=True) / count.clamp(1)
    scale = torch.where(count > 0, deviation.clamp(min=1e-6), torch.ones_like(deviation))
    return shift[..., None], scale[..., None]


def trimmed_mean(residual: Tensor, mask: Tensor, trim: float) -> Tensor:
    """Mean over views of sum(all but the largest ``trim`` of a view's (h, w) residuals >= 0) / number of residuals."""
    flat, used = residual.flatten(2), mask.flatten(2)
    count = used.sum(-1, keepdim=True)
    ascending = torch.where(used, flat, torch.full_like(flat, torch.inf)).sort(-1).values
    rank = torch.arange(flat.shape[-1], device=flat.device)
    kept = rank < (1 - trim) * count
    total = torch.where(kept, ascending, torch.zeros_like(ascending)).sum(-1)
    return masked_mean(total / count[..., 0].clamp(min=1), count[..., 0] > 0)
