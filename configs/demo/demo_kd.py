"""The demo's distilled student: the same network, data and schedule as demo_sup.py, with the mini teacher."""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews, ResizeViews
from fsmde.models import AlignedDepthKD, DistilledDepthEstimator, EstimatorTeacher

with read_base():
    from .._base_.pipelines import insert_after
    from .demo_sup import *

model.update(
    type=DistilledDepthEstimator,
    # Made from other scenes, rigs and looks of the built-in world: models/mini_teacher/README.md.
    teacher=dict(type=EstimatorTeacher, config='models/mini_teacher', space='disparity_affine_invariant'),
    # Suite `demo` of the benchmark, validation scenes.
    distillers=[dict(type=AlignedDepthKD)],
)
train_pipeline = insert_after(train_pipeline, ResizeViews, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
del insert_after
