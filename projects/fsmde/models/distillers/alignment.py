"""Making a relative teacher metric: a robust scale and shift for each view, from LiDAR."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fsmde.structures import DepthTarget, TeacherOutput

#: Relative residual (20 %) from which on a LiDAR point counts less.
HUBER = 0.2
ITERATIONS = 5
MIN_POINTS = 16


def align_to_lidar(teacher: TeacherOutput, target: DepthTarget, max_depth: float = 1e3):
    """Metric depth from a teacher's relative depth, by a fit to LiDAR in each view.

    With t the teacher's numbers and g LiDAR depth, the fit is 1/g = a t + b, g = a t + b or g = a t, as the teacher's
    ``space`` says; metric teachers are taken as they are. Residuals are relative to the depth, weighted iteratively
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
    # Rows of the least squares whose residuals are relative: g (a x + b) = 1, or (a x + b) / g = 1.
    factor = g if inverse else 1 / g
    u, v = factor * x, factor
    slope = intercept = torch.zeros_like(center)
    w = weight
    for _ in range(ITERATIONS):
        slope, intercept = _solve(u, v, w, shift_free)
        residual = (slope * u + intercept * v - 1).abs()
        w = weight * (HUBER / residual.clamp(min=HUBER))
    fitted = slope * x + intercept
    depth = 1 / fitted.clamp(min=1 / max_depth) if inverse else fitted.clamp(1e-3, max_depth)
    trusted = (count >= MIN_POINTS) & (slope > 0)
    return depth.view_as(values), seen & trusted[..., None]


def _solve(u: Tensor, v: Tensor, w: Tensor, shift_free: bool):
    """Weighted least squares of slope * u + intercept * v = 1 over the last axis, with a trace of ridge."""
    uu, uv, vv = (w * u * u).sum(-1, True), (w * u * v).sum(-1, True), (w * v * v).sum(-1, True)
    su, sv = (w * u).sum(-1, True), (w * v).sum(-1, True)
    if shift_free:
        return su / uu.clamp(min=1e-12), torch.zeros_like(su)
    determinant = (uu * vv - uv * uv).clamp(min=1e-12)
    return (su * vv - sv * uv) / determinant, (sv * uu - su * uv) / determinant
