"""The larger student, ResNet-34 with a neck of 96 channels, supervised, on nuScenes."""

from mmengine.config import read_base

with read_base():
    from ._base_.models.realtime import resnet34
    from .fsmde_sup_nuscenes import *

model.backbone = resnet34
model.neck.update(channels=96)
