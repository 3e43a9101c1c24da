"""Making a relative teacher metric: a robust scale and shift for each view, or one scale for the rig, from LiDAR."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from fsmde.structures import MULTI_VIEW, DepthTarget, TeacherOutput, straightened

#: |ln d - ln g| from which on a LiDAR point counts by its distance, not by the square of it: 10 %.
HUBER = 0.1
MIN_POINTS = 16
#: LiDAR points of a view that are fitted; of more, so many at even steps.
POINTS = 2048
#: Metres: no depth is nearer.
MIN_DEPTH = 1e-3
#: On so many of the points the search begins, at so many slopes from -STEEPEST to STEEPEST; the best few go on with all
#: points. A slope is the change of the line over half the interquartile range of t, as a share of its value at the median of
#: t: behind 1 and -1 a quarter of the points are out of bounds.
START_POINTS, STARTS, STEEPEST = 256, 25, 2.0
START_STEPS, FINALISTS, STEPS = 8, 2, 10
#: A teacher with a smaller slope says nothing of what LiDAR saw.
LEAST_SLOPE = 1e-3
#: Bound of t, and of its distance from the median in half interquartile ranges: single precision goes on to 1e38.
LARGEST = 1e30
FARTHEST = 1e6
TINY = 1e-12


@torch.no_grad()
def align_to_lidar(teacher: TeacherOutput, target: DepthTarget, max_depth: float = 1e3, shift=True):
    """Metric depth from a teacher's relative depth, by a fit to LiDAR in each view, or one over all views of a frame.

    With t the teacher's numbers and g LiDAR depth, the aligned depth d has 1/d = a t + b, d = a t + b or d = a t, as the
    teacher's ``space`` says; metric teachers are taken as they are. a and b minimise the sum over a view's LiDAR points (over
    those of all views where the space is 'depth_scale_invariant_multi_view', which has one a for a frame; each view has the
    same say there whatever its number of points, one with fewer than 16 as much less) of

        Huber(r) = r^2 / 2 where \\|r\\| < 0.1, else 0.1 (\\|r\\| - 0.05), of r = ln d - ln g,

    d within its bounds, as it is returned: errors are relative, the same of depth and of its inverse, so that neither far
    points nor near ones rule, and outliers count linearly. The affine invariance is exact: t and 3 t + 7 give the same.
    What ``valid`` and ``mask`` hide has no influence. The result is finite everywhere and has no gradient.

    Args:
        teacher: (B, N, h, w) depth in the student's views.
        target: LiDAR at the input's size (H, W). Of views with more than 2048 points so many at even steps are used.
        max_depth: Bound of the result in metres, for pixels whose inverse depth comes out at or under 0.
        shift: Whether inverse depth has an unknown shift b, of all views or (B, N) bool; False takes its 0 for infinity.

    Returns:
        tuple: depth (B, N, H, W) float32 metres and valid (B, N, H, W) bool: False where the teacher saw nothing, in
        views with fewer than 16 LiDAR points (frames, where one scale is fitted: a view of such a frame needs none of its
        own), and in views where the teacher's order contradicts LiDAR or says nothing about it (a <= 0).
    """
    values, seen = _resize(teacher, target.depth.shape[-2:])
    if teacher.space == 'depth_metric':
        return values.clamp(MIN_DEPTH, max_depth), seen
    inverse = teacher.space == 'disparity_affine_invariant'
    shift = shift if inverse else not teacher.space.startswith('depth_scale_invariant')
    if isinstance(shift, bool):
        shift = torch.full(values.shape[:2], shift, device=values.device)
    shifted = shift[..., None]
    used, t, lidar = (x.flatten(2) for x in (target.mask & seen & target.depth.isfinite(), values, target.depth))
    count = used.sum(-1, keepdim=True)
    at, weight = _even_steps(count, min(POINTS, used.shape[-1]))
    at = torch.searchsorted(used.cumsum(-1), at + 1).clamp(max=used.shape[-1] - 1)
    g = torch.where(weight, lidar.gather(-1, at), 1.0).clamp(min=MIN_DEPTH)
    points, start = t.gather(-1, at), _some(weight, count)
    if teacher.space in MULTI_VIEW:  # All views of a frame side by side are fitted as one.
        weight = weight * count.clamp(max=MIN_POINTS) / count.clamp(min=1, max=weight.shape[-1])
        start = _some_of_each_view(weight, count)
        points, g, weight, t = (x.flatten(1)[:, None] for x in (points, g, weight, t))
        count, shifted = count.sum(1, keepdim=True), shifted[:, :1]
    low, high = math.log(MIN_DEPTH), math.log(max_depth)
    log_y, bounds = (-g.log(), (-high, -low)) if inverse else (g.log(), (low, high))
    unit = *_unit(points, *start, shifted), shifted
    log_scale, slope = _fit(*_shape(points, *unit), log_y, weight, start, bounds).unbind(-1)
    base, x = _shape(t, *unit)
    fitted = (log_scale.exp()[..., None] * (base + slope[..., None] * x)).view_as(values)
    depth = (1 / fitted.clamp(min=TINY) if inverse else fitted).clamp(MIN_DEPTH, max_depth)
    rises = (unit[1] > 0) & (~shifted | (slope[..., None] > LEAST_SLOPE))
    return depth, seen & ((count >= MIN_POINTS) & rises)[..., None]


def _resize(teacher: TeacherOutput, size):
    """The teacher's depth at a size, interpolated between what it saw alone and 0 elsewhere, and where it saw."""
    seen = teacher.valid & teacher.depth.isfinite()
    depth = torch.where(seen, teacher.depth, 0).float().clamp(-LARGEST, LARGEST)
    if depth.shape[-2:] == size:
        return depth, seen
    share = F.interpolate(seen.float(), size=size, mode='bilinear', align_corners=False)
    seen = (F.interpolate(seen.float(), size=size, mode='nearest') > 0) & (share > 0)
    depth = F.interpolate(straightened(depth, teacher.space), size=size, mode='bilinear', align_corners=False)
    return torch.where(seen, straightened(depth / share.clamp(min=TINY), teacher.space), 0), seen


def _even_steps(count: Tensor, size: int):
    """Which (..., size) of ``count`` (..., 1) things to take, and where there are so many: (..., size) bool."""
    step = torch.arange(size, device=count.device)
    return step * count.clamp(min=size) // size, step < count


def _unit(t: Tensor, some: Tensor, chosen: Tensor, shifted: Tensor):
    """Origin and unit (..., 1) of t by its quartiles over points, which neither scale nor shift nor outliers change.

    The median and half the interquartile range; where t has no shift the unit is the median.
    """
    t = torch.where(chosen, t.gather(-1, some), math.inf).sort(-1).values
    last = chosen.sum(-1, keepdim=True) - 1
    quartiles = torch.cat([(last * quarter // 4).clamp(min=0) for quarter in (1, 2, 3)], -1)
    low, middle, high = torch.where(last >= 0, t.gather(-1, quartiles), 0).split(1, -1)
    # Where half of the points are alike, the others say how large the steps are.
    deviation = torch.where(chosen, t - middle, 0).abs().sum(-1, keepdim=True) / (last + 1).clamp(min=1)
    return middle, torch.where(shifted, torch.where(high > low, (high - low) / 2, deviation), middle)


def _shape(t: Tensor, origin: Tensor, unit: Tensor, shifted: Tensor):
    """The base and x of lines that are proportional to base + slope * x: 1 and t, or where there is no shift t and 0."""
    x = ((t - torch.where(shifted, origin, 0)) / torch.where(unit > 0, unit, 1)).clamp(-FARTHEST, FARTHEST)
    return torch.where(shifted, 1, x), torch.where(shifted, x, 0)


def _some(weight: Tensor, count: Tensor):
    """Which (..., START_POINTS) points, evenly spread, the search begins on, and where there are so many."""
    some, chosen = _even_steps(count.clamp(max=weight.shape[-1]), min(START_POINTS, weight.shape[-1]))
    return some.clamp(max=weight.shape[-1] - 1), chosen


def _some_of_each_view(weight: Tensor, count: Tensor):
    """The same of views (B, N, P) laid side by side (B, 1, N * P): as many of each, some of them more than once."""
    N, P = weight.shape[-2:]
    number = max(START_POINTS // N, 1)
    step = torch.arange(number, device=count.device) * count.clamp(max=P) // number
    some = step + P * torch.arange(N, device=count.device)[:, None]
    return some.flatten(1)[:, None], (count > 0).expand_as(some).flatten(1)[:, None]


def _fit(base: Tensor, x: Tensor, log_y: Tensor, weight: Tensor, start: tuple, bounds: tuple) -> Tensor:
    """The log scale and slope (..., 2) of the best line y = scale * (base + slope * x), see :func:`align_to_lidar`.

    The loss is not convex, for a logarithm is concave, so the search begins at several slopes, on a part of the points. At
    each slope the scale begins at the median of what it should be: nearly the best, for large residuals count linearly.
    """
    some, chosen = start
    start = [values.gather(-1, some)[..., None, :] for values in (base, x, log_y)] + [chosen[..., None, :]]
    slopes = torch.linspace(-STEEPEST, STEEPEST, STARTS, device=x.device).expand(*x.shape[:-1], -1)
    scales = start[2] - (start[0] + slopes[..., None] * start[1]).clamp(min=TINY).log()
    ordered = torch.where(start[3], scales, math.inf).sort(-1).values
    middle = ((chosen.sum(-1, keepdim=True) - 1) // 2).clamp(min=0)
    scales = ordered.gather(-1, middle[..., None, :].expand(*slopes.shape, 1)).squeeze(-1)
    scales = torch.where(chosen.any(-1, keepdim=True), scales, 0)
    lines, losses = _descend(torch.stack([scales, slopes], -1), start, bounds, START_STEPS)
    lines = _best(lines, losses, FINALISTS)
    whole = [values[..., None, :] for values in (base, x, log_y, weight)]
    return _best(*_descend(lines, whole, bounds, STEPS), 1).squeeze(-2)


def _best(lines: Tensor, losses: Tensor, number: int) -> Tensor:
    """Those (..., number, 2) of lines (..., S, 2) with the least losses (..., S)."""
    best = losses.topk(number, largest=False).indices[..., None]
    return lines.gather(-2, best.expand(*best.shape[:-1], 2))


def _descend(lines: Tensor, points: list, bounds: tuple, steps: int):
    """Damped Gauss-Newton steps (Levenberg and Marquardt) from lines (..., S, 2), each taken only if the loss falls.

    With f = scale * (base + slope * x) and r = ln f - ln y, the loss's gradient is the sum of Huber'(r) dr, where
    dr = (1, x / (base + slope * x)) by log scale and slope. Huber'(r) = w r with w = min(1, 0.1 / |r|), and 1 / f^2, the
    weight that a logarithm puts on an error of f, is in dr: a step is zero where the loss's own gradient is, and nowhere
    else. Where f is out of bounds dr is 0, as in the loss.

    Args:
        lines: (..., S, 2) log scale and slope.
        points: base, x, ln y and weight of the points, each (..., 1, P); a bool, or how much each counts.
        bounds: Least and greatest ln f.
        steps: How many.

    Returns:
        tuple: lines (..., S, 2) and their losses (..., S).
    """
    base, x, log_y, weight = points

    def expand(lines):
        """The loss and what the next step needs (..., S, 6): it, and the sums of w dr dr^T and w r dr."""
        shape = (base + lines[..., 1:] * x).clamp(min=TINY)
        log_f = lines[..., :1] + shape.log()
        bounded = log_f.clamp(*bounds)
        error = bounded - log_y
        size = error.abs()
        near = size.clamp(max=HUBER)
        loss = near * (size - near / 2) * weight
        w = HUBER / size.clamp(min=HUBER) * (bounded == log_f) * weight
        by_slope = x / shape
        terms = loss, w, w * by_slope, w * by_slope.square(), w * error, w * error * by_slope
        return torch.stack([term.sum(-1) for term in terms], -1)

    state = expand(lines)
    damping = torch.full_like(state[..., 0], 1e-3)
    for _ in range(steps):
        _, a, b, c, u, v = state.unbind(-1)
        a, c = a * (1 + damping) + TINY, c * (1 + damping) + TINY
        determinant = (a * c - b * b).clamp(min=TINY * TINY)
        tried = lines - torch.stack([c * u - b * v, a * v - b * u], -1) / determinant[..., None]
        new = expand(tried)
        better = new[..., 0] < state[..., 0]
        lines, state = (torch.where(better[..., None], *pair) for pair in ((tried, lines), (new, state)))
        damping = torch.where(better, damping * 0.3, damping * 8).clamp(1e-6, 1e6)
    return lines, state[..., 0]
