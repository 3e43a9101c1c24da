"""The student of fsmde_rt_efficientnet_lite0_stride8_ddad.py, distilled as fsmde_kd_ddad.py's is."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import efficientnet_lite0_stride8, light_neck
    from ...fsmde_kd_ddad import *

model.backbone, model.neck = efficientnet_lite0_stride8, light_neck
