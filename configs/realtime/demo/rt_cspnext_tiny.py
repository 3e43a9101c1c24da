"""fsmde_rt_cspnext_tiny_ddad.py's network on the demo's world, from random weights."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import cspnext_tiny, light_neck
    from .resnet18 import *

model.backbone, model.neck = cspnext_tiny, light_neck
model.backbone.update(init_cfg=None)
