"""A bound: dense ground truth as the target, in the place of LiDAR."""

from mmengine.config import read_base

from fsmde.datasets import DenseDepthAsTarget, LoadDenseDepth, LoadSurroundLidar, ProjectLidarDepth, SubsampleLidar

with read_base():
    from ..._base_.pipelines import replace
    from .sup import *

train_pipeline = replace(train_pipeline, LoadSurroundLidar, dict(type=LoadDenseDepth))
train_pipeline = replace(train_pipeline, SubsampleLidar)
train_pipeline = replace(train_pipeline, ProjectLidarDepth, dict(type=DenseDepthAsTarget))
train_dataloader.dataset.pipeline = train_pipeline
del replace
