"""rt_resnet18_half.py with 64 channels in neck and head."""

from mmengine.config import read_base

with read_base():
    from .rt_resnet18_half import *

model.neck.update(channels=64)
