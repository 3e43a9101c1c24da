"""The student of fsmde_sup_mixed.py, distilled from Depth Anything V2 by cross-interaction and view-relational KD."""

from mmengine.config import read_base

from fsmde.datasets import KeepTeacherViews

with read_base():
    from ._base_.models.kd import *
    from .fsmde_sup_mixed import *

model.update(distillation)
for part in train_dataloader.dataset.datasets.values():
    # Behind ResizeViews, the last step that sets a size.
    part.pipeline.insert(
        max(n for n, step in enumerate(part.pipeline) if 'size' in step) + 1, dict(type=KeepTeacherViews)
    )
del part
