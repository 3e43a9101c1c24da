"""The demo's supervised student: EfficientNet-Lite0 from ImageNet weights, on sparse LiDAR of the built-in world."""

from mmengine.config import read_base

from fsmde.datasets import LoadSurroundLidar, SubsampleLidar

with read_base():
    from .._base_.models.realtime import efficientnet_lite0
    from .._base_.pipelines import insert_after
    from ..realtime.demo.resnet18 import *

model.backbone = efficientnet_lite0
# 41 % of the pixels of these small images have LiDAR, 3.3 % of DDAD's at 384x640. All points judge.
train_pipeline = insert_after(train_pipeline, LoadSurroundLidar, dict(type=SubsampleLidar, fraction=0.08))
train_dataloader.dataset.pipeline = train_pipeline
# 36 steps each. A rate of 2e-3 is better than 1e-3 in 1,440 steps: suite `schedule` of the benchmark, validation scenes.
max_epochs = 16
optim_wrapper.optimizer.update(lr=2e-3)
train_cfg.update(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
del efficientnet_lite0, insert_after
