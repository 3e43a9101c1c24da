"""Teachers whose answers the pipeline reads: written down before training, or made of dense ground truth."""

import torch
from mmdet3d.registry import MODELS
from mmengine.logging import MMLogger

from fsmde.structures import TeacherOutput
from fsmde.teacher_cache import open_cache

from .base import DepthTeacher


class AnswersInSamples(DepthTeacher):
    """A teacher that is not asked in training: a transform of the pipeline, named by ``SOURCE``, brings its answers.

    ``cache`` is the :class:`fsmde.teacher_cache.CacheFolder` that they are in, None if they are in none.
    """

    SOURCE, cache = '', None
    # A view without an answer is nothing unusual, and a batch may have no other.
    JUDGED_ANSWERS = 20
    ADVICE = 'were they written for these frames, and did tools/scale_answers.py, if it wrote them, find scales?'

    def answer(self, inputs: dict, data_samples: list) -> TeacherOutput:
        """See :meth:`DepthTeacher.answer`."""
        for sample in data_samples:
            self._check_source(sample)
        depth = torch.stack([sample.teacher_depth for sample in data_samples]).float()
        valid = self._valid(depth)
        self._warn_if_unusable(valid)
        features = None
        if self.feature_channels is not None:
            features = torch.cat([sample.teacher_features for sample in data_samples]).float()
        return TeacherOutput(depth.where(valid, torch.zeros_like(depth)), self.space, valid, features)

    def _check_source(self, sample):
        """The answers in a sample are there, and this teacher's."""
        if 'teacher_depth' not in sample or ('teacher_cache' in sample) != (self.cache is not None):
            raise ValueError(
                f'the batch has no answers for {type(self).__name__}: put {self.SOURCE} into the training pipeline, in the '
                'place of KeepTeacherViews'
            )


@MODELS.register_module()
class CachedTeacher(AnswersInSamples):
    """Answers from a cache of ``tools/cache_teacher.py``: no teacher runs in a training step.

    The pipeline reads the answers (:class:`fsmde.datasets.LoadTeacherAnswers` in the place of ``KeepTeacherViews``); this
    class knows what they mean and whose they are. Losses are those of the live teacher but for float16 rounding.

    Args:
        cache: Folder of the cache.
        teacher: Config of the teacher that wrote it. It is built once to compare its weights and preprocessing with the
            cache's, then dropped. None trusts the folder, for machines without the weights.

    Raises:
        FileNotFoundError: If there is no cache.
        ValueError: If the cache is not finished, or of another teacher. In training, if the pipeline reads one of another
            teacher or space: it may read others, of other frames.
    """

    SOURCE = 'LoadTeacherAnswers'

    def __init__(self, cache: str, teacher: dict = None):
        self.cache = cache = open_cache(cache)
        self._compared = set()
        description = cache.description()
        if teacher is not None:
            asked = MODELS.build(teacher)
            cache.check_identity(asked.identity())
            # Caches of before there was a name and a licence in them; and a licence that is stated in the config counts.
            description['name'] = description.get('name') or asked.name
            description['licence'] = asked.licence or description.get('licence')
        super().__init__(
            None, description['space'], description['feature_channels'], licence=description.get('licence')
        )
        self._identity = description['identity']
        self._name = description.get('name') or self._identity.get('teacher', 'unknown')
        MMLogger.get_current_instance().info(
            f'Teacher cache {cache.root}: {self.space}, {self.feature_channels or "no"} feature channels'
        )

    def _check_source(self, sample):
        super()._check_source(sample)
        if sample.teacher_cache not in self._compared:
            self.cache.check_same(open_cache(sample.teacher_cache))
            self._compared.add(sample.teacher_cache)

    @property
    def name(self) -> str:
        """Of the teacher that wrote the cache."""
        return self._name

    def identity(self) -> dict:
        """Of the teacher that wrote the cache."""
        return self._identity


@MODELS.register_module()
class OracleTeacher(AnswersInSamples):
    """The best teacher of its space that there can be: dense ground truth made relative, a bound of distillation.

    Its answers come from :class:`fsmde.datasets.OracleTeacherAnswers`.
    """

    SOURCE = 'OracleTeacherAnswers'

    def __init__(self):
        super().__init__(None, 'disparity_affine_invariant')
