"""rt_resnet18_half_smoothed64.py distilled from the benchmark's mini teacher: `python tools/make_mini_teacher.py`."""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews
from fsmde.models import CrossInteractionKD, DistilledDepthEstimator, EstimatorTeacher, ViewRelationalKD

with read_base():
    from .rt_resnet18_half_smoothed64 import *

model.update(
    type=DistilledDepthEstimator,
    teacher=dict(
        type=EstimatorTeacher,
        config='configs/benchmark/teacher.py',
        checkpoint='work_dirs/benchmark/teacher/epoch_16.pth',
        space='disparity_affine_invariant',
    ),
    distillers=[dict(type=CrossInteractionKD, probabilities='aligned'), dict(type=ViewRelationalKD, loss_weight=0.1)],
)
train_pipeline.insert(3, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
