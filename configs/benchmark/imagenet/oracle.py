"""Distilled from a perfect relative teacher, made of dense ground truth: a form that gains nothing here gains from none."""

from mmengine.config import read_base

from fsmde.datasets import LoadDenseDepth, OracleTeacherAnswers
from fsmde.models import CrossInteractionKD, DistilledDepthEstimator, OracleTeacher

with read_base():
    from .sup import *

model.update(
    type=DistilledDepthEstimator,
    teacher=dict(type=OracleTeacher),
    distillers=[dict(type=CrossInteractionKD, probabilities='aligned')],
)
train_pipeline[4:4] = [dict(type=LoadDenseDepth), dict(type=OracleTeacherAnswers)]
train_dataloader.dataset.pipeline = train_pipeline
