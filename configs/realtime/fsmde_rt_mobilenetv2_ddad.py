"""The real-time student with MobileNetV2, supervised, on DDAD."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import light_neck, mobilenetv2
    from ..fsmde_sup_ddad import *

model.backbone, model.neck = mobilenetv2, light_neck
