"""Correcting a teacher's depth where LiDAR is near: residuals spread over what is close in the image and in depth."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

#: Sides of a grid's cells as fractions of the image's height, one grid after another.
WINDOWS = (1 / 4, 1 / 8, 1 / 16, 1 / 32)
#: Log depth of a cell: what is 20 % farther away has residuals of its own.
SLICE = 0.2
#: The weight, in LiDAR points, of what the coarser grid said.
PRIOR = 0.3
#: Root mean square of residuals, in log depth, where no view of a batch has any.
UNKNOWN = 0.3
#: What is nearer or farther (metres) is in the first or last slice.
NEAREST, FARTHEST = 0.5, 250.0
#: Pixels on a side of what is corrected as one: the stride of the students' maps.
CELL = 4


@torch.no_grad()
def correct_locally(depth: Tensor, measured: Tensor, mask: Tensor, whole: Tensor = None, windows=WINDOWS):
    """Depth times the exponential of a smooth field that takes it to the measurements, and how far off it is still.

    Residuals ln g - ln d are averaged in a bilateral grid (Chen, Paris and Durand, SIGGRAPH 2007) over columns, rows and
    log depth, so that they stay on their own side of an edge in the teacher's depth. Coarse grids come first; each
    corrects what those before it have left, shrunk to nothing where it has few points. Without points nothing changes.
    The field is made of cells of four by four pixels.

    Args:
        depth: (B, N, H, W) metres.
        measured: (B, N, H, W) metres.
        mask: (B, N, H, W) bool, where ``measured`` says something.
        whole: (B, N, H, W) bool, over what the spread of a whole view is taken, ``mask`` by default.
        windows: Sides of the cells of each grid, as fractions of the image's height.

    Returns:
        tuple: depth (B, N, H, W) metres, and spread (B, N, H, W), the root mean square of the residuals that are left; in a
        view without any that of the batch's others.
    """
    whole = mask if whole is None else whole
    size = depth.shape[-2:]
    log_depth = depth.clamp(min=1e-3).log()
    log_measured = torch.where(whole | mask, measured, torch.ones_like(measured)).log()
    residual = torch.where(whole | mask, log_measured - log_depth, torch.zeros_like(depth))
    variance = _variance(residual.square() * whole, whole)
    points = mask.to(depth.dtype)
    count, first, second = (_cells(x) * CELL**2 for x in (points, points * residual, points * residual.square()))
    cells = _cells(log_depth)
    field, variance = torch.zeros_like(cells), variance.expand_as(cells)
    for window in windows:
        # Residuals behind the field so far, r - f: their sums over the points of a cell.
        left = torch.stack([count, first - field * count, second - 2 * field * first + field.square() * count], 2)
        n, total, square = _bilateral(left, cells + field, window).unbind(2)
        shift = total / (n + PRIOR)
        variance = ((square + PRIOR * variance) / (n + PRIOR) - shift.square()).clamp(min=0)
        field = field + shift
    field, spread = (
        F.interpolate(x, size=size, mode='bilinear', align_corners=False)
        for x in (field, variance.clamp(min=1e-8).sqrt())
    )
    return (log_depth + field).exp(), spread


def _variance(squares: Tensor, counted: Tensor) -> Tensor:
    """(B, N, 1, 1) mean squares of views; of one without any those of the others, for nothing speaks for it more."""
    count, total = (x.sum((-2, -1), keepdim=True) for x in (counted, squares))
    rest = torch.where(count.sum() > 0, total.sum() / count.sum().clamp(min=1), UNKNOWN**2)
    return torch.where(count > 0, total / count.clamp(min=1), rest)


def _cells(values: Tensor) -> Tensor:
    """Means of (B, N, H, W) values over cells of CELL x CELL pixels."""
    H, W = values.shape[-2:]
    return F.adaptive_avg_pool2d(values, (-(-H // CELL), -(-W // CELL)))


def _bilateral(values: Tensor, log_depth: Tensor, window: float) -> Tensor:
    """Sums of (B, N, C, H, W) values over what is near in the image and in log depth, at every pixel."""
    B, N, C, H, W = values.shape
    rows = round(1 / window)
    shape = math.ceil(math.log(FARTHEST / NEAREST) / SLICE), rows, max(1, round(rows * W / H))
    # Of pixels, in cells from the grid's corner.
    y = ((torch.arange(H, device=values.device) + 0.5) * shape[1] / H)[:, None].expand(H, W)
    x = ((torch.arange(W, device=values.device) + 0.5) * shape[2] / W).expand(H, W)
    z = ((log_depth.flatten(0, 1) - math.log(NEAREST)) / SLICE).clamp(0, shape[0] - 1e-3)
    cell = (z.long() * shape[1] + y.long()) * shape[2] + x.long()
    grid = values.new_zeros(B * N, C, math.prod(shape))
    grid.scatter_add_(2, cell.flatten(1)[:, None].expand(-1, C, -1), values.flatten(0, 1).flatten(2))
    grid = grid.view(B * N, C, *shape)
    for axis in (2, 3, 4):
        grid = _smooth(grid, axis)
    at = [2 * position / cells - 1 for position, cells in zip((x.expand_as(z), y.expand_as(z), z), shape[::-1])]
    found = F.grid_sample(grid, torch.stack(at, -1)[:, None], padding_mode='border', align_corners=False)
    return found.view(B, N, C, H, W)


def _smooth(grid: Tensor, axis: int) -> Tensor:
    """Each cell plus half of its neighbours along an axis."""
    smooth, last = grid.clone(), grid.shape[axis] - 1
    smooth.narrow(axis, 1, last).add_(grid.narrow(axis, 0, last), alpha=0.5)
    smooth.narrow(axis, 0, last).add_(grid.narrow(axis, 1, last), alpha=0.5)
    return smooth
