"""fsmde_rt_efficientnet_lite0_stride8_ddad.py's network on the demo's world; like its neighbours from random weights."""

from mmengine.config import read_base

with read_base():
    from .rt_efficientnet_lite0 import *

model.backbone.update(out_indices=(2, 4))
