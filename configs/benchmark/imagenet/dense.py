"""A bound: dense ground truth as the target, in the place of LiDAR."""

from mmengine.config import read_base

from fsmde.datasets import DenseDepthAsTarget, LoadDenseDepth

with read_base():
    from .sup import *

# In the place of SubsampleLidar, too.
train_pipeline[1:3] = [dict(type=LoadDenseDepth)]
train_pipeline[-2] = dict(type=DenseDepthAsTarget)
train_dataloader.dataset.pipeline = train_pipeline
