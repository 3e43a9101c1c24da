"""Distillers that compare feature maps."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import DepthDistiller
from .maps import resize_mask


class FeatureDistiller(DepthDistiller):
    """Averages both sides' features over the cells of one grid, and knows which cells show the world.

    A subclass implements :meth:`compare`, which runs in float32 whatever the mixed precision around it.

    Args:
        grid: Most rows and columns of the grid; it is never finer than either side's map.
        kwargs: See :class:`DepthDistiller`.

    Raises:
        ValueError: If the teacher offers no features, or the grid has no cells.
    """

    def __init__(self, grid: tuple = (24, 40), **kwargs):
        super().__init__(**kwargs)
        name = type(self).__name__
        if self.teacher_channels is None:
            raise ValueError(f'{name}: this teacher offers no features; take one that does, or a distiller of depth')
        self.grid = tuple(grid)
        if len(self.grid) != 2 or min(self.grid) < 1:
            raise ValueError(f'{name}: grid must be two positive numbers (rows, columns), found {grid}')

    @property
    def reads_teacher_features(self) -> bool:
        """Whether a cache must keep the teacher's features."""
        return True

    def adapter(self) -> nn.Module:
        """Student's channels -> teacher's by a 1x1 convolution; nothing if they agree."""
        if self.student_channels == self.teacher_channels:
            return nn.Identity()
        return nn.Conv2d(self.student_channels, self.teacher_channels, 1)

    def compare(self, mine: Tensor, theirs: Tensor, valid: Tensor) -> dict:
        """Losses of one grid's features.

        Args:
            mine, theirs: (V, C, h, w) of the student and (V, C', h, w) of the teacher, V = B N views; 0 where not
                ``valid``.
            valid: (V, h, w) bool: the teacher has an answer for more than half of the cell, and the world is seen there.
        """
        raise NotImplementedError(f'{type(self).__name__} must implement compare')

    def loss(self, step):
        student, teacher, target = step.student, step.teacher, step.target
        size = [min(sides) for sides in zip(self.grid, student.features.shape[-2:], teacher.features.shape[-2:])]
        with torch.autocast(student.features.device.type, enabled=False):
            mine, theirs = (averaged(x.float(), size) for x in (student.features, teacher.features))
            valid = resize_mask(teacher.valid, target.visible.shape[-2:]) & target.visible
            valid = F.adaptive_avg_pool2d(valid.float(), size).flatten(0, 1) > 0.5
            # Not only left out of means: 0 times the gradient of something infinite is NaN.
            mine, theirs = (torch.where(valid[:, None], x, torch.zeros_like(x)) for x in (mine, theirs))
            losses = self.compare(mine, theirs.detach(), valid)
        return {key: self.loss_weight * value for key, value in losses.items()}


def averaged(features: Tensor, size: list) -> Tensor:
    """(V, C, h, w) features averaged over the cells of a grid."""
    return features if list(features.shape[-2:]) == size else F.adaptive_avg_pool2d(features, size)
