"""The supervised student on DDAD: no teacher."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.ddad import *
    from ._base_.default_runtime import *
    from ._base_.models.bin_efficientnet_lite0 import *
    from ._base_.schedules.adamw_20e import *

# The wide cameras have fx = 350 pixels at a width of 640, the long front lens 721.
model.head.update(focal_reference=350.0, bins=dict(num_bins=64, min_depth=0.5, max_depth=200.0, spacing='log'))
model.max_depth = 200.0
