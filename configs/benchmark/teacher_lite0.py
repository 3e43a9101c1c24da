"""The mini teacher that is shipped in models/mini_teacher: that of teacher.py, from EfficientNet-Lite0's ImageNet weights."""

from mmengine.config import read_base

from fsmde.models import EfficientNetLite

with read_base():
    from .teacher import *

model.backbone = dict(
    type=EfficientNetLite, arch='lite0', init_cfg=dict(type='Pretrained', checkpoint='efficientnet-lite://lite0')
)
max_epochs = 10
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
