"""The student of fsmde_rt_regnetx_400mf_ddad.py, distilled as fsmde_kd_ddad.py's is."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import light_neck, regnetx_400mf
    from ...fsmde_kd_ddad import *

model.backbone, model.neck = regnetx_400mf, light_neck
