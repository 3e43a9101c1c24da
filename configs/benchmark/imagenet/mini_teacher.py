"""What distilled arms that start from ImageNet share: the stronger mini teacher's answers, see live_teacher.py."""

from mmengine.config import read_base

from fsmde.datasets import LoadTeacherAnswers, ResizeViews
from fsmde.models import CachedTeacher, DistilledDepthEstimator

with read_base():
    from ..._base_.pipelines import insert_before
    from .sup import *

teacher_answers = 'data/benchmark_teacher_answers_192x320'
model.update(type=DistilledDepthEstimator, teacher=dict(type=CachedTeacher, cache=teacher_answers), distillers=[])
# The teacher saw the images as they are on disk.
train_pipeline = insert_before(train_pipeline, ResizeViews, dict(type=LoadTeacherAnswers, cache=teacher_answers))
train_dataloader.dataset.pipeline = train_pipeline
del insert_before
