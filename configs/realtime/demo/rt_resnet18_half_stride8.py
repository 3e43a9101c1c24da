"""rt_resnet18_half.py with the finest level at stride 8, 64 channels."""

from mmengine.config import read_base

with read_base():
    from .rt_resnet18_half import *

model.backbone.update(out_indices=(1, 2, 3))
model.neck.update(channels=64)
