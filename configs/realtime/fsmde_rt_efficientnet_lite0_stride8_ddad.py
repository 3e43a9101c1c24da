"""The fastest real-time student: the first five stages of EfficientNet-Lite0, depth at stride 8, supervised, on DDAD."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import efficientnet_lite0, light_neck
    from ..fsmde_sup_ddad import *

model.backbone, model.neck = efficientnet_lite0, light_neck
# Maps at strides 8 and 16: what is said of a pixel comes from the 387 x 387 around it, and from centers of the whole view.
model.backbone.update(out_indices=(2, 4))
