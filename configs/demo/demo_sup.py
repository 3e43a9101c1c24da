"""The demo's supervised student: EfficientNet-Lite0 from ImageNet weights, on sparse LiDAR of the built-in world."""

from mmengine.config import read_base

from fsmde.models import EfficientNetLite

with read_base():
    from ..realtime.demo.resnet18 import *

model.backbone = dict(
    type=EfficientNetLite, arch='lite0', init_cfg=dict(type='Pretrained', checkpoint='efficientnet-lite://lite0')
)
optim_wrapper.optimizer.update(lr=1e-3)
