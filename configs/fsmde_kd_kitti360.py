"""The student of fsmde_sup_kitti360.py, distilled from Depth Anything V2 by cross-interaction and view-relational KD."""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews, ResizeViews

with read_base():
    from ._base_.models.kd import *
    from ._base_.pipelines import insert_after
    from .fsmde_sup_kitti360 import *

model.update(distillation)
# The teacher sees each view as it is behind the deterministic resize, before any random augmentation.
train_pipeline = insert_after(train_pipeline, ResizeViews, dict(type=KeepTeacherViews))
train_dataloader.dataset.pipeline = train_pipeline
del insert_after
