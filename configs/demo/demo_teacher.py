"""The demo's mini teacher: dense supervision on other scenes, rigs and looks than the student's."""

from mmengine.config import read_base

from fsmde.datasets import DenseDepthAsTarget, LoadDenseDepth

with read_base():
    from .demo_sup import *

data_root = 'data/synthetic_teacher'
# Rigs differ from scene to scene; these four cameras are in all of them.
cameras = ['CAMERA_01', 'CAMERA_02', 'CAMERA_03', 'CAMERA_04']

# Dense depth in the place of LiDAR, in loading and as the target.
train_pipeline[1] = dict(type=LoadDenseDepth)
train_pipeline[-2] = dict(type=DenseDepthAsTarget)
train_dataloader.update(batch_size=3)
train_dataloader.dataset.update(data_root=data_root, cameras=cameras, pipeline=train_pipeline)
val_dataloader.dataset.update(data_root=data_root, cameras=cameras)
test_dataloader.dataset.update(data_root=data_root, cameras=cameras)

max_epochs = 12
train_cfg.update(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
