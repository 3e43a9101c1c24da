"""The mini teacher of teacher.py, from EfficientNet-Lite0's ImageNet weights. The one that is shipped knows the sky, too."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.realtime import efficientnet_lite0
    from .teacher import *

model.backbone = efficientnet_lite0
max_epochs = 10
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
del efficientnet_lite0
