"""A distilled student beside the stronger mini teacher, for writing down what the arms read: depth, and features.

python tools/cache_teacher.py configs/benchmark/imagenet/live_teacher.py --out data/benchmark_teacher_answers_kept
"""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews, ResizeViews
from fsmde.models import DistilledDepthEstimator, EstimatorTeacher, PearsonFeatureKD

with read_base():
    from ..._base_.pipelines import insert_before
    from .sup import *

model.update(
    type=DistilledDepthEstimator,
    teacher=dict(
        type=EstimatorTeacher,
        config='models/benchmark_teacher',
        space='disparity_affine_invariant',
        # Features at the size of the student's map.
        feature_size=(24, 40),
    ),
    # One that reads features: a cache keeps them only then.
    distillers=[dict(type=PearsonFeatureKD)],
)
# The images as they are on disk: twice as large as the student's.
train_pipeline = insert_before(train_pipeline, ResizeViews, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
del insert_before
