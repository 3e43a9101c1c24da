"""The stock pipeline with mmcv's default interpolation: faster, but with aliasing, so not the same images."""

from mmengine.config import read_base

with read_base():
    from .stock_pipeline import *

for transform in train_pipeline:
    for resize in transform.get('transforms', []):
        resize.update(interpolation='bilinear')
train_dataloader.dataset.update(pipeline=train_pipeline)
del resize, transform
