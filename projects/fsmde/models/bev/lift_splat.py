"""Lift-Splat in plain torch: features, spread along their rays by a depth distribution, summed into BEV cells.

Philion and Fidler, "Lift, Splat, Shoot", ECCV 2020. No voxel pooling kernel: one ``index_add_`` for each depth.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fsmde.rig import RigBatch


def whole_steps(low: float, high: float, step: float) -> bool:
    """Whether a range is one step or a whole number of them."""
    steps = (high - low) / step
    return steps >= 1 and abs(steps - round(steps)) < 1e-4


@dataclass(frozen=True)
class BEVGrid:
    """Square or oblong cells on the ground of one frame, the LiDAR's for mmdet3d's detectors.

    Args:
        x, y: (low, high, step) in metres.
        z: (low, high) in metres: points outside fall into no cell, those inside are summed over their height.

    Raises:
        ValueError: If a range is crossed or no multiple of its step.
    """

    x: tuple
    y: tuple
    z: tuple

    def __post_init__(self):
        for name, (low, high, step) in dict(x=self.x, y=self.y).items():
            if not whole_steps(low, high, step):
                raise ValueError(
                    f'{name} must be (low, high, step) with a whole number of steps, found {(low, high, step)}'
                )
        if not self.z[0] < self.z[1]:
            raise ValueError(f'z must be (low, high), found {self.z}')

    @property
    def shape(self) -> tuple:
        """(rows, columns): y and x, as in mmdet3d's pillar features."""
        return tuple(round((high - low) / step) for low, high, step in (self.y, self.x))

    def cells(self, points: Tensor) -> Tensor:
        """Cell of each of (B, ..., 3) points in metres, (B, ...) int64, counted over frames, rows and columns.

        Points outside get the number after the last cell.
        """
        rows, columns = self.shape
        column = ((points[..., 0] - self.x[0]) / self.x[2]).floor()
        row = ((points[..., 1] - self.y[0]) / self.y[2]).floor()
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        inside &= (points[..., 2] >= self.z[0]) & (points[..., 2] < self.z[1])
        frame = torch.arange(len(points), device=points.device).view(-1, *[1] * (points.ndim - 2))
        cell = (frame * rows + row.long()) * columns + column.long()
        return torch.where(inside, cell, len(points) * rows * columns)


def lift_splat(
    features: Tensor, probabilities: Tensor, depths: Tensor, rig: RigBatch, grid: BEVGrid, augmentation: Tensor = None
) -> Tensor:
    """Sum features, weighted by probabilities of depth, into the cells of a grid.

    Gradients reach features and probabilities; which cell a point falls into has none.

    Args:
        features: (B, N, C, h, w).
        probabilities: (B, N, D, h, w) of each depth.
        depths: (B, N, D) z-depths in metres.
        rig: Its ``cam2ego`` leads into the frame of the grid.
        grid: The cells.
        augmentation: (B, 4, 4) applied to the points in the frame of the grid, None for none.

    Returns:
        (B, C, rows, columns) float32.
    """
    B, _, C = features.shape[:3]
    rows, columns = grid.shape
    # A point at depth d is origin + d * direction; unproject at depth 1 gives their sum.
    origin = rig.cam2ego[:, :, None, None, :3, 3]
    direction = rig.unproject(depths.new_ones(probabilities.shape)[:, :, 0]) - origin
    if augmentation is not None:
        rotation = augmentation[:, None, None, None, :3, :3]
        origin = (rotation @ origin[..., None])[..., 0] + augmentation[:, None, None, None, :3, 3]
        direction = (rotation @ direction[..., None])[..., 0]
    features = features.float().movedim(2, -1)
    bev = features.new_zeros(B * rows * columns + 1, C)
    # One depth at a time: all at once would hold B * N * D * h * w vectors of C numbers.
    for d in range(depths.shape[2]):
        points = origin + direction * depths[:, :, d, None, None, None]
        weighted = features * probabilities[:, :, d, :, :, None].float()
        bev.index_add_(0, grid.cells(points).flatten(), weighted.reshape(-1, C))
    return bev[:-1].view(B, rows, columns, C).permute(0, 3, 1, 2).contiguous()
