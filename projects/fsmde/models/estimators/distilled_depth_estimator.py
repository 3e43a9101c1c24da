"""The student while it is distilled: the same model, with a frozen teacher beside it and distillers under it."""

import torch
from mmdet3d.registry import MODELS
from mmengine.logging import MMLogger
from torch import nn

from fsmde.structures import TeacherOutput

from ..distillers import DistillationStep
from ..teachers import replay_augmentation
from ..teachers.licence import is_known, is_non_commercial
from .bin_depth_estimator import BinDepthEstimator, stack_meta


@MODELS.register_module()
class DistilledDepthEstimator(BinDepthEstimator):
    """A :class:`BinDepthEstimator` that learns from a teacher too.

    Its state dict is the plain student's plus ``distillers.*``, the trainable parts of the distillers, which a plain
    student drops when it loads the checkpoint. The teacher is no module: it is in no state dict, optimizer, EMA copy or
    DDP bucket.

    Args:
        teacher: Config of a teacher, see :mod:`fsmde.models.teachers`.
        distillers: Configs of distillers, see :mod:`fsmde.models.distillers`. ``bins``, ``student_channels`` and
            ``teacher_channels`` are filled in here: teacher and student share the binning.
        kwargs: See :class:`BinDepthEstimator`.
    """

    def __init__(self, *args, teacher: dict, distillers: list, **kwargs):
        super().__init__(*args, **kwargs)
        self.teacher = MODELS.build(teacher)
        if is_non_commercial(self.teacher.licence):
            MMLogger.get_current_instance().warning(
                f'NOT FOR COMMERCIAL USE: the teacher {self.teacher.name} comes under {self.teacher.licence}. A student that '
                "learns from it may not be free of that: it is written into this run's checkpoints, and into the card of a "
                'model that is published from them. docs/teachers.md lists teachers under free licences'
            )
        if not is_known(self.teacher.licence):
            MMLogger.get_current_instance().info(
                f'Teacher {self.teacher.name}: licence not known ({self.teacher.licence or "nothing is stated"}). Find it out '
                'before you give a student away, and state it as teacher.licence'
            )
        shared = dict(
            bins=getattr(self.head, 'bins', None),
            student_channels=self.neck.out_channels,
            teacher_channels=self.teacher.feature_channels,
        )
        self.distillers = nn.ModuleList(MODELS.build(distiller, default_args=shared) for distiller in distillers)

    def loss_of(self, student, inputs, data_samples, rig):
        """Supervised and distillation losses (``loss_kd_*``) of a prediction."""
        target = self.target(data_samples)
        step = DistillationStep(student, self.teach(inputs, data_samples, rig), target, rig, self.max_depth)
        losses = self.head.loss(student, target)
        for distiller in self.distillers:
            new = distiller.loss(step)
            check_taught(distiller, new, student)
            both = sorted(losses.keys() & new.keys())
            if both:
                raise ValueError(
                    f'{type(distiller).__name__}: its losses {both} are there already: a distiller is listed twice, or two '
                    'name their losses alike'
                )
            losses.update(new)
        return losses

    def teach(self, inputs, data_samples, rig):
        """What the teacher says of a batch, moved from the unaugmented views into the student's."""
        return replay_of_batch(self.teacher.answer(inputs, data_samples), data_samples, rig.image_size)


def check_taught(distiller, losses: dict, student) -> None:
    """Raise ValueError if a student learns nothing from what a distiller returns, though it is logged.

    mmengine adds up what has ``loss`` in its name; a 0 without a gradient, as where a batch has nothing to say, is no fault.
    """
    learned = [value for name, value in losses.items() if 'loss' in name]
    if losses and not learned:
        raise ValueError(
            f'{type(distiller).__name__}: none of {sorted(losses)} is learned from: names of losses begin with loss_kd_'
        )
    if student.depth.requires_grad and not any(value.requires_grad for value in learned):
        if any(value.detach().any() for value in learned):
            raise ValueError(
                f'{type(distiller).__name__}: {sorted(losses)} have no gradient: the student would not learn from them. Are '
                'they computed under no_grad, or of what is detached?'
            )


def replay_of_batch(output: TeacherOutput, data_samples: list, size: tuple) -> TeacherOutput:
    """What a teacher says of a batch's unaugmented views, in the student's views of (H, W)."""
    device = output.depth.device
    return replay_augmentation(
        output,
        stack_meta(data_samples, 'aug2d', torch.float32, device),
        stack_meta(data_samples, 'cam_order', torch.long, device),
        size,
        data_samples[0].teacher_shape,
    )
