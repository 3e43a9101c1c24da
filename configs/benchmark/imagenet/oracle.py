"""Distilled from a perfect relative teacher, made of dense ground truth: a form that gains nothing here gains from none."""

from mmengine.config import read_base

from fsmde.datasets import LoadDenseDepth, OracleTeacherAnswers, ResizeViews
from fsmde.models import CrossInteractionKD, DistilledDepthEstimator, OracleTeacher

with read_base():
    from ..._base_.pipelines import insert_after
    from .sup import *

model.update(
    type=DistilledDepthEstimator,
    teacher=dict(type=OracleTeacher),
    distillers=[dict(type=CrossInteractionKD, probabilities='aligned')],
)
train_pipeline = insert_after(train_pipeline, ResizeViews, dict(type=LoadDenseDepth), dict(type=OracleTeacherAnswers))
train_dataloader.dataset.pipeline = train_pipeline
del insert_after
