"""The supervised student on Argoverse 2: no teacher."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.argoverse2 import *
    from ._base_.default_runtime import *
    from ._base_.models.bin_efficientnet_lite0 import *
    from ._base_.schedules.adamw_20e import *

model.head.update(
    focal_reference=focal_reference, bins=dict(num_bins=64, min_depth=0.5, max_depth=max_depth, spacing='log')
)
model.max_depth = max_depth
