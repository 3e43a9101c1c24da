"""The student of fsmde_sup_nuscenes.py, distilled from Depth Anything V2 by cross-interaction and view-relational KD."""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews

with read_base():
    from ._base_.models.kd import *
    from .fsmde_sup_nuscenes import *

model.update(distillation)
# The teacher sees each view as it is behind the deterministic resize, before any random augmentation.
train_pipeline.insert(3, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
