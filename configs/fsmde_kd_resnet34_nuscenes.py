"""The student of fsmde_sup_resnet34_nuscenes.py, distilled as fsmde_kd_nuscenes.py's is."""

from mmengine.config import read_base

with read_base():
    from ._base_.models.realtime import resnet34
    from .fsmde_kd_nuscenes import *

model.backbone = resnet34
model.neck.update(channels=96)
