"""The demo's distilled student: the same network, data and schedule as demo_sup.py, with the mini teacher."""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews
from fsmde.models import CrossInteractionKD, DistilledDepthEstimator, EstimatorTeacher, ViewRelationalKD

with read_base():
    from .demo_sup import *

model.update(
    type=DistilledDepthEstimator,
    # Trained on other rigs: its scale is not to be trusted, its shapes are.
    teacher=dict(
        type=EstimatorTeacher,
        config='configs/demo/demo_teacher.py',
        checkpoint='work_dirs/demo/teacher/epoch_12.pth',
        space='depth_scale_invariant',
    ),
    distillers=[
        dict(type=CrossInteractionKD, probabilities='aligned'),
        dict(type=ViewRelationalKD, relation='feature', grid=(12, 20), loss_weight=5.7),
    ],
)
train_pipeline.insert(3, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
