"""What all distillers share."""

from mmengine.model import BaseModule

from fsmde.bins import DepthBins

from .step import DistillationStep


class DepthDistiller(BaseModule):
    """Turns what a teacher and a student say of the same views into losses.

    Args:
        loss_weight: Multiplies every loss of the distiller.
        bins, student_channels, teacher_channels: Filled in by the estimator: the student's bins (None for a regression
            head) and the channels of both sides' features (None where a teacher offers no features).
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        bins: DepthBins = None,
        student_channels: int = None,
        teacher_channels: int = None,
        init_cfg=None,
    ):
        super().__init__(init_cfg)
        if loss_weight < 0:
            raise ValueError(f'{type(self).__name__}: loss_weight must be >= 0, found {loss_weight}')
        self.loss_weight, self.bins = loss_weight, bins
        self.student_channels, self.teacher_channels = student_channels, teacher_channels

    @property
    def reads_teacher_features(self) -> bool:
        """Whether the loss reads the teacher's features beside its depth: a cache then has to hold them."""
        return False

    def loss(self, step: DistillationStep) -> dict:
        """Losses of a step by name; each name begins with ``loss_kd_``, so that the log and its sum take them up."""
        raise NotImplementedError
