"""fsmde_rt_resnet34_ddad.py's network on the demo's world, from random weights."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import light_neck, resnet34
    from .resnet18 import *

model.backbone, model.neck = resnet34, light_neck
model.backbone.update(init_cfg=None)
