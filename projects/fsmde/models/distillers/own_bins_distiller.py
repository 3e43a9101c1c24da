"""Distillers of a teacher's bin probabilities, for teachers that have none."""

import torch
from torch import Tensor

from fsmde.bins import DepthBins

from .aligned_distiller import AlignedDistiller
from .bin_goals import at_logits, rebinned_goal


class OwnBinsDistiller(AlignedDistiller):
    """Gives the teacher a bin head of its own, and brings its answer onto the student's bins.

    The teacher's depth, aligned to LiDAR, is encoded as a Gaussian over its own fixed bins, softened by the temperature
    T as a softmax of logits would be (a Gaussian's spread grows by sqrt(T)) and re-binned onto the student's, which
    differ from view to view. A subclass implements :meth:`compare`.

    Args:
        teacher_bins: Arguments of :class:`fsmde.bins.DepthBins`: the teacher's bins, in metres.
        spread: Standard deviation of the Gaussian, in widths of the teacher's bins.
        temperature: T.
        kwargs: See :class:`AlignedDistiller`.

    Raises:
        ValueError: If an option is out of its range, or the student has no bins.
    """

    def __init__(
        self,
        teacher_bins: dict = dict(num_bins=80, min_depth=0.5, max_depth=250.0),  # noqa: B006
        spread: float = 1.0,
        temperature: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        if self.bins is None:
            raise ValueError(f'{name} distils bin probabilities: it needs a student with a BinDepthHead')
        if not spread > 0 or not temperature > 0:
            raise ValueError(f'{name}: spread and temperature must be positive, found {spread} and {temperature}')
        self.teacher_bins, self.spread, self.temperature = DepthBins(**teacher_bins), spread, temperature

    def compare(self, logits: Tensor, goal: Tensor, valid: Tensor) -> dict:
        """Losses of (B, N, K, h, w) logits / T, 0 where not ``valid`` (B, N, h, w), against the teacher's
        probabilities."""
        raise NotImplementedError(f'{type(self).__name__} must implement compare')

    def loss(self, step):
        student = step.student
        with torch.autocast(student.depth.device.type, enabled=False):
            depth, valid = at_logits(*self.metric_depth(step), student)
            spread = self.spread * self.temperature**0.5
            goal = rebinned_goal(self.bins, self.teacher_bins, depth, spread, student)
            logits = torch.where(valid[:, :, None], student.logits.float(), torch.zeros_like(goal))
            losses = self.compare(logits / self.temperature, goal, valid)
        return {key: self.loss_weight * value for key, value in losses.items()}
