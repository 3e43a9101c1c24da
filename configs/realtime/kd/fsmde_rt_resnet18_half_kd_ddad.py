"""The student of fsmde_rt_resnet18_half_ddad.py, distilled as fsmde_kd_ddad.py's is."""

from mmengine.config import read_base

with read_base():
    from ..._base_.models.realtime import light_neck, resnet18_half
    from ...fsmde_kd_ddad import *

model.backbone, model.neck = resnet18_half, light_neck
# From random weights it gained most at ten times the weight of students from ImageNet: suite `weights`.
model.distillers[1].update(loss_weight=5.7)
