"""What distilled arms share: the mini foundation teacher's answers, written beforehand by tools/cache_teacher.py."""

from mmengine.config import read_base

from fsmde.datasets import LoadTeacherAnswers, ResizeViews
from fsmde.models import CachedTeacher, DistilledDepthEstimator

with read_base():
    from .._base_.pipelines import insert_after
    from .sup import *

teacher_answers = 'data/benchmark_teacher_answers'
model.update(type=DistilledDepthEstimator, teacher=dict(type=CachedTeacher, cache=teacher_answers), distillers=[])
# Before whatever is random.
train_pipeline = insert_after(train_pipeline, ResizeViews, dict(type=LoadTeacherAnswers, cache=teacher_answers))
train_dataloader.dataset.pipeline = train_pipeline
del insert_after
