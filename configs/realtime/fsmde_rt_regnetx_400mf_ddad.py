"""The real-time student with RegNetX-400MF, supervised, on DDAD."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import light_neck, regnetx_400mf
    from ..fsmde_sup_ddad import *

model.backbone, model.neck = regnetx_400mf, light_neck
