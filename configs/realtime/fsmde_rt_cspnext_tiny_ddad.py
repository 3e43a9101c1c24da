"""The real-time student with CSPNeXt-tiny, supervised, on DDAD."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import cspnext_tiny, light_neck
    from ..fsmde_sup_ddad import *

model.backbone, model.neck = cspnext_tiny, light_neck
