"""The supervised student on nuScenes: no teacher."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.nuscenes import *
    from ._base_.default_runtime import *
    from ._base_.models.bin_efficientnet_lite0 import *
    from ._base_.schedules.adamw_20e import *

# CAM_BACK has fx = 324 pixels at a width of 640, the others 506.
model.head.update(focal_reference=324.0, bins=dict(num_bins=64, min_depth=0.5, max_depth=80.0, spacing='log'))
model.max_depth = 80.0
