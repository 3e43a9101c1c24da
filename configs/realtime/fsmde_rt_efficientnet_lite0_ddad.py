"""The real-time student with EfficientNet-Lite0, supervised, on DDAD."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import efficientnet_lite0, light_neck
    from ..fsmde_sup_ddad import *

model.backbone, model.neck = efficientnet_lite0, light_neck
