"""Distilled where few frames have LiDAR: every batch has as many labelled frames as frames of all.

The labelled ones are those of the twin, sup.py with `labelled_fraction` and `only_labelled`, in the same order; what the
others teach comes from the teacher alone, at the student's own scale.
"""

from mmengine.config import read_base
from mmengine.dataset import ConcatDataset

from fsmde.datasets import MultiSourceBatchSampler

with read_base():
    from .self_aligned import *

frames = dict(train_dataloader.dataset, labelled_fraction=0.1)
train_dataloader.update(batch_size=4, batch_sampler=dict(type=MultiSourceBatchSampler))
train_dataloader.dataset = dict(type=ConcatDataset, datasets=[dict(frames, only_labelled=True), frames])
del frames
