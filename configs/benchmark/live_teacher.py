"""A distilled student beside the mini teacher itself, for writing down what the arms read: depth, and features.

python tools/cache_teacher.py configs/benchmark/live_teacher.py --out data/benchmark_teacher_answers
"""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews
from fsmde.models import DistilledDepthEstimator, EstimatorTeacher, PearsonFeatureKD

with read_base():
    from .sup import *

model.update(
    type=DistilledDepthEstimator,
    teacher=dict(
        type=EstimatorTeacher,
        config='configs/benchmark/teacher.py',
        checkpoint='work_dirs/benchmark/teacher/epoch_16.pth',
        space='disparity_affine_invariant',
        # The size of the student's map.
        feature_size=(24, 40),
    ),
    # One that reads features: a cache keeps them only then.
    distillers=[dict(type=PearsonFeatureKD)],
)
train_pipeline.insert(4, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
