"""The demo's supervised student: EfficientNet-Lite0 from ImageNet weights, on sparse LiDAR of the built-in world."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import efficientnet_lite0
    from ..realtime.demo.resnet18 import *

model.backbone = efficientnet_lite0
optim_wrapper.optimizer.update(lr=1e-3)
del efficientnet_lite0
