"""The student of fsmde_rt_mobilenetv2_ddad.py, distilled as fsmde_kd_ddad.py's is."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import light_neck, mobilenetv2
    from ...fsmde_kd_ddad import *

model.backbone, model.neck = mobilenetv2, light_neck
