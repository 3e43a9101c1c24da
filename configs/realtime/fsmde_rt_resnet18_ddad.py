"""The real-time student with ResNet-18, supervised, on DDAD."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import light_neck, resnet18
    from ..fsmde_sup_ddad import *

model.backbone, model.neck = resnet18, light_neck
