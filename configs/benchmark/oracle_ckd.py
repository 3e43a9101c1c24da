"""A bound: cross-interaction KD from a perfect relative teacher, made of dense ground truth."""

from mmengine.config import read_base

from fsmde.datasets import LoadDenseDepth, OracleTeacherAnswers, ResizeViews
from fsmde.models import CrossInteractionKD, DistilledDepthEstimator, OracleTeacher

with read_base():
    from .._base_.pipelines import insert_after
    from .sup import *

model.update(
    type=DistilledDepthEstimator,
    teacher=dict(type=OracleTeacher),
    # As its records were made.
    distillers=[dict(type=CrossInteractionKD, probabilities='aligned', sky=True)],
)
train_pipeline = insert_after(train_pipeline, ResizeViews, dict(type=LoadDenseDepth), dict(type=OracleTeacherAnswers))
train_dataloader.dataset.pipeline = train_pipeline
del insert_after
