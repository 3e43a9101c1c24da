"""rt_resnet18_half.py with 32 bins."""

from mmengine.config import read_base

with read_base():
    from .rt_resnet18_half import *

model.head.bins.update(num_bins=32)
