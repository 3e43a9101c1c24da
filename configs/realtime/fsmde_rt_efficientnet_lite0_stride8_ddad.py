"""The fastest real-time student: the first five stages of EfficientNet-Lite0, depth at stride 8, supervised, on DDAD."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import efficientnet_lite0_stride8, light_neck
    from ..fsmde_sup_ddad import *

model.backbone, model.neck = efficientnet_lite0_stride8, light_neck
