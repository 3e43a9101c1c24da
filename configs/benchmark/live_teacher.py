"""A distilled student beside the mini teacher itself, for writing down what the arms read: depth, and features.

python tools/cache_teacher.py configs/benchmark/live_teacher.py --out data/benchmark_teacher_answers
"""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews, ResizeViews
from fsmde.models import DistilledDepthEstimator, PearsonFeatureKD

with read_base():
    from .._base_.models.mini_teacher import mini_teacher
    from .._base_.pipelines import insert_after
    from .sup import *

model.update(
    type=DistilledDepthEstimator,
    # Features at the size of the student's map.
    teacher=dict(mini_teacher, feature_size=(24, 40)),
    # One that reads features: a cache keeps them only then.
    distillers=[dict(type=PearsonFeatureKD)],
)
train_pipeline = insert_after(train_pipeline, ResizeViews, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
del insert_after
