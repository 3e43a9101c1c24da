"""A teacher whose answers were written down before training."""

import torch
from mmdet3d.registry import MODELS
from mmengine.logging import MMLogger

from fsmde.structures import TeacherOutput
from fsmde.teacher_cache import TeacherCache

from .base import DepthTeacher


@MODELS.register_module()
class CachedTeacher(DepthTeacher):
    """Answers from a cache of ``tools/cache_teacher.py``: no teacher runs in a training step.

    The pipeline reads the answers (:class:`fsmde.datasets.LoadTeacherAnswers` in the place of ``KeepTeacherViews``); this
    class knows what they mean and whose they are. Losses are those of the live teacher but for float16 rounding.

    Args:
        cache: Folder of the cache.
        teacher: Config of the teacher that wrote it. It is built once to compare its weights and preprocessing with the
            cache's, then dropped. None trusts the folder, for machines without the weights.

    Raises:
        FileNotFoundError: If there is no cache.
        ValueError: If the cache is not finished, or of another teacher.
    """

    def __init__(self, cache: str, teacher: dict = None):
        cache = TeacherCache(cache)
        description = cache.description()
        if teacher is not None:
            cache.check_identity(MODELS.build(teacher).identity())
        super().__init__(None, description['space'], description['feature_channels'])
        MMLogger.get_current_instance().info(
            f'Teacher cache {cache.root}: {self.space}, {self.feature_channels or "no"} feature channels'
        )

    def answer(self, inputs: dict, data_samples: list) -> TeacherOutput:
        """See :meth:`DepthTeacher.answer`."""
        if 'teacher_depth' not in data_samples[0]:
            raise ValueError(
                'the batch has no cached answers: put LoadTeacherAnswers into the training pipeline, in the place of '
                'KeepTeacherViews'
            )
        depth = torch.stack([sample.teacher_depth for sample in data_samples]).float()
        valid = self._valid(depth)
        features = None
        if self.feature_channels is not None:
            features = torch.cat([sample.teacher_features for sample in data_samples]).float()
        return TeacherOutput(depth.where(valid, torch.zeros_like(depth)), self.space, valid, features)
