"""The demo's supervised student: EfficientNet-Lite0 from ImageNet weights, on sparse LiDAR of the built-in world."""

from mmengine.config import read_base

from fsmde.models import BinDepthHead, EfficientNetLite

with read_base():
    from .._base_.datasets.synthetic import *
    from .._base_.default_runtime import *
    from .._base_.models.bin_resnet34 import *
    from .._base_.schedules.adamw_20e import *

max_epochs = 5
model.backbone = dict(
    type=EfficientNetLite, arch='lite0', init_cfg=dict(type='Pretrained', checkpoint='efficientnet-lite://lite0')
)
# What the weights expect.
model.data_preprocessor.update(mean=(127.5,) * 3, std=(127.5,) * 3)
model.neck.update(channels=64)
# The wide cameras of its rig have fx = 87 pixels at a width of 160.
model.head.update(focal_reference=87.0, bins=dict(num_bins=64, min_depth=0.5, max_depth=200.0, spacing='log'))

optim_wrapper.optimizer.update(lr=1e-3)
train_cfg.update(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler[0].update(end=20)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
default_hooks.logger.update(interval=5)
default_hooks.checkpoint.update(max_keep_ckpts=2)
