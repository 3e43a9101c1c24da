"""rt_resnet18_half.py with 64 channels and the finest level smoothed: the neck of resnet18.py."""

from mmengine.config import read_base

with read_base():
    from .rt_resnet18_half import *

model.neck.update(channels=64, smooth_finest=True)
