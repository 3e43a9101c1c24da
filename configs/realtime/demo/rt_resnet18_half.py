"""fsmde_rt_resnet18_half_ddad.py's network on the demo's world."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import light_neck, resnet18_half
    from .resnet18 import *

model.backbone, model.neck = resnet18_half, light_neck
