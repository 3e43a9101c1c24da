"""The real-time student with ResNet-34, supervised, on DDAD."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import light_neck, resnet34
    from ..fsmde_sup_ddad import *

model.backbone, model.neck = resnet34, light_neck
