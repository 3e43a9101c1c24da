"""Making a relative teacher metric: a robust scale and shift for each view, from LiDAR."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fsmde.structures import DepthTarget, TeacherOutput

#: Relative residual (10 %) from which on a LiDAR point counts less.
HUBER = 0.1
ITERATIONS = 10
MIN_POINTS = 16


def align_to_lidar(teacher: TeacherOutput, target: DepthTarget, max_depth: float = 1e3):
    """Metric depth from a teacher's relative depth, by a fit to LiDAR in each view.

    With t the teacher's numbers and g LiDAR depth, the fit is 1/g = a t + b, g = a t + b or g = a t, as the teacher's
    ``space`` says; metric teachers are taken as they are. Residuals are relative to the depth and weighted iteratively
    (Huber), so that neither far points nor outliers rule. The affine invariance is exact: t and 3 t + 7 give the same.

    Args:
        teacher: (B, N, h, w) depth in the student's views.
        target: LiDAR at the input's size (H, W).
        max_depth: Bound of the result in metres, for pixels whose inverse depth comes out at or under 0.

    Returns:
        tuple: depth (B, N, H, W) float32 metres and valid (B, N, H, W) bool: False where the teacher saw nothing, in
        views with fewer than 16 LiDAR points, and in views where the teacher's order contradicts LiDAR (a <= 0).
    """
    size = target.depth.shape[-2:]
    values = F.interpolate(teacher.depth, size=size, mode='bilinear', align_corners=False)
    seen = F.interpolate(teacher.valid.float(), size=size, mode='nearest') > 0
    if teacher.space == 'depth_metric':
        return values.clamp(1e-3, max_depth), seen
    used = target.mask & seen
    t, g = values.flatten(2), torch.where(used, target.depth, torch.ones_like(target.depth)).flatten(2)
    weight = used.flatten(2).to(t.dtype)
    # A common scale and origin of t, for well-conditioned normal equations; undone below.
    count = weight.sum(-1, keepdim=True).clamp(min=1)
    center = (weight * t).sum(-1, keepdim=True) / count
    spread = (weight * (t - center).square()).sum(-1, keepdim=True).div(count).sqrt().clamp(min=1e-6)
    inverse = teacher.space == 'disparity_affine_invariant'
    shift_free = teacher.space == 'depth_scale_invariant'
    x = t / spread if shift_free else (t - center) / spread
    y = 1 / g if inverse else g
    # Residuals are compared as ratios, (f - y) / sqrt(f y): as good as log residuals, and linear in f for a given weight.
    fitted = (weight * y).sum(-1, keepdim=True) / count
    for _ in range(ITERATIONS):
        scale = fitted.clamp(min=1 / max_depth if inverse else 1e-3) * y
        residual = (fitted - y).abs() / scale.sqrt()
        slope, intercept = _fit_line(x, y, weight / scale * (HUBER / residual.clamp(min=HUBER)), shift_free)
        fitted = slope * x + intercept
    depth = 1 / fitted.clamp(min=1 / max_depth) if inverse else fitted.clamp(1e-3, max_depth)
    trusted = (count >= MIN_POINTS) & (slope > 0)
    return depth.view_as(values), seen & trusted[..., None]


def _fit_line(x: Tensor, y: Tensor, w: Tensor, shift_free: bool):
    """Weighted least squares of slope * x + intercept = y over the last axis."""
    if shift_free:
        slope = (w * x * y).sum(-1, True) / (w * x * x).sum(-1, True).clamp(min=1e-12)
        return slope, torch.zeros_like(slope)
    total = w.sum(-1, True).clamp(min=1e-12)
    mean_x, mean_y = (w * x).sum(-1, True) / total, (w * y).sum(-1, True) / total
    slope = (w * (x - mean_x) * (y - mean_y)).sum(-1, True) / (w * (x - mean_x).square()).sum(-1, True).clamp(
        min=1e-12
    )
    return slope, mean_y - slope * mean_x
