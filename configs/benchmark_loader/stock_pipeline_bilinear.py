"""The stock pipeline with mmcv's default interpolation: faster, but with aliasing, so not the same images."""

from mmengine.config import read_base

with read_base():
    from .stock_pipeline import *

train_pipeline[3].transforms[0].update(interpolation='bilinear')
train_dataloader.dataset.update(pipeline=train_pipeline)
