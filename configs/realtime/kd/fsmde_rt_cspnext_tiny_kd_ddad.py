"""The student of fsmde_rt_cspnext_tiny_ddad.py, distilled as fsmde_kd_ddad.py's is."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import cspnext_tiny, light_neck
    from ...fsmde_kd_ddad import *

model.backbone, model.neck = cspnext_tiny, light_neck
