"""fsmde_rt_regnetx_400mf_ddad.py's network on the demo's world, from random weights."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import light_neck, regnetx_400mf
    from .resnet18 import *

model.backbone, model.neck = regnetx_400mf, light_neck
model.backbone.update(init_cfg=None)
