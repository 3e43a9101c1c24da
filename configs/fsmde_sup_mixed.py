"""The supervised student on DDAD, nuScenes and Argoverse 2 at once: no teacher."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.mixed import *
    from ._base_.default_runtime import *
    from ._base_.models.bin_efficientnet_lite0 import *
    from ._base_.schedules.adamw_20e import *

# The smallest fx of all rigs, each in its own network size: nuScenes' CAM_BACK. Others have 350 to 733 pixels.
model.head.update(focal_reference=324.0, bins=dict(num_bins=64, min_depth=0.5, max_depth=200.0, spacing='log'))
model.max_depth = 200.0
# Five times as many frames as DDAD alone: eight epochs are more steps than its twenty.
train_cfg.update(max_epochs=8)
param_scheduler[1].update(end=8, T_max=8)
