"""The baseline of students that start from ImageNet: EfficientNet-Lite0 on sparse LiDAR."""

from mmengine.config import read_base

from fsmde.models import LightPyramidNeck

with read_base():
    from ..._base_.models.realtime import efficientnet_lite0
    from ..sup import *

model.backbone = efficientnet_lite0
# What the weights expect.
model.data_preprocessor.update(mean=(127.5,) * 3, std=(127.5,) * 3)
model.neck = dict(type=LightPyramidNeck, channels=64)

# 144 steps each.
max_epochs = 10
# Better than 1e-3: suite `schedule`.
optim_wrapper.optimizer.update(lr=2e-3)
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
default_hooks.checkpoint.update(interval=max_epochs)
del efficientnet_lite0
