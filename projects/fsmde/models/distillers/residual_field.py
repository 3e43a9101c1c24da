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
NEAREST, FARTHEST = 0.1, 1e3


@torch.no_grad()
def correct_locally(depth: Tensor, measured: Tensor, mask: Tensor, whole: Tensor = None, windows=WINDOWS):
    """Depth times the exponential of a smooth field that takes it to the measurements, and how far off it is still.

    Residuals ln g - ln d are averaged in a bilateral grid (Chen, Paris and Durand, SIGGRAPH 2007) over columns, rows and
    log depth, so that they stay on their own side of an edge in the teacher's depth. Coarse grids come first; each
    corrects what those before it have left, shrunk to nothing where it has few points. Without points nothing changes.

    Args:
        depth: (B, N, H, W) metres.
        measured: (B, N, H, W) metres.
        mask: (B, N, H, W) bool, where ``measured`` says something.
        whole: (B, N, H, W) bool, over what the spread of a whole view is taken, ``mask`` by default.
        windows: Sides of the cells of each grid, as fractions of the image's height.

    Returns:
        tuple: depth (B, N, H, W) metres, between 0.1 and 1000, and spread (B, N, H, W), the root mean square of the
        residuals that are left.
    """
    whole = mask if whole is None else whole
    log_depth = depth.clamp(NEAREST, FARTHEST).log()
    log_measured = torch.where(whole | mask, measured, torch.ones_like(measured)).log()
    residual = torch.where(whole, log_measured - log_depth, torch.zeros_like(depth))
    variance = residual.square().sum((-2, -1), keepdim=True) / whole.sum((-2, -1), keepdim=True).clamp(min=1)
    variance = variance.expand_as(depth)
    for window in windows:
        residual = torch.where(mask, log_measured - log_depth, torch.zeros_like(depth))
        moments = torch.stack([mask.to(depth.dtype), residual, residual.square()], 2)
        count, first, second = _bilateral(moments, log_depth, window).unbind(2)
        shift = first / (count + PRIOR)
        variance = ((second + PRIOR * variance) / (count + PRIOR) - shift.square()).clamp(min=0)
        log_depth = log_depth + shift
    return log_depth.exp(), variance.clamp(min=1e-8).sqrt()


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
