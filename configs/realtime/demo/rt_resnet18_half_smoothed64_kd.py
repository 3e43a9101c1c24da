"""rt_resnet18_half_smoothed64.py distilled from the benchmark's mini teacher: `python tools/make_mini_teacher.py`."""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews, ResizeViews
from fsmde.models import CrossInteractionKD, DistilledDepthEstimator, ViewRelationalKD

with read_base():
    from ..._base_.models.mini_teacher import mini_teacher
    from ..._base_.pipelines import insert_after
    from .rt_resnet18_half_smoothed64 import *

model.update(
    type=DistilledDepthEstimator,
    teacher=mini_teacher,
    distillers=[dict(type=CrossInteractionKD, probabilities='aligned'), dict(type=ViewRelationalKD, loss_weight=0.1)],
)
train_pipeline = insert_after(train_pipeline, ResizeViews, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
del insert_after
