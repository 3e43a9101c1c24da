"""The student of fsmde_sup_mixed.py, distilled from Depth Anything V2 by cross-interaction and view-relational KD."""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews, ResizeViews

with read_base():
    from ._base_.models.kd import *
    from ._base_.pipelines import insert_after
    from .fsmde_sup_mixed import *

model.update(distillation)
for part in train_dataloader.dataset.datasets.values():
    part.pipeline = insert_after(part.pipeline, ResizeViews, dict(type=KeepTeacherViews))
del insert_after, part
