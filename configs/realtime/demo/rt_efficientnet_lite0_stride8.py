"""fsmde_rt_efficientnet_lite0_stride8_ddad.py's network on the demo's world; like its neighbours from random weights."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import efficientnet_lite0_stride8, light_neck
    from .resnet18 import *

model.backbone, model.neck = efficientnet_lite0_stride8, light_neck
model.backbone.update(init_cfg=None)
