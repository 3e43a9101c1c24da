"""The benchmark's mini foundation teacher: relative, from dense depth of other scenes, rigs and looks than the student's.

python tools/make_mini_teacher.py
"""

from mmengine.config import read_base

from fsmde.datasets import (
    DenseDepthAsTarget,
    LoadDenseDepth,
    LoadSurroundImages,
    PackSurroundInputs,
    RandomFlipViews,
    RandomPhotometric,
    RandomZoomCrop,
    ResizeViews,
)
from fsmde.models import AffineInvariantLoss, RegressionDepthHead

with read_base():
    from .sup import *

world = dict(
    preset='teacher', train_scenes=200, val_scenes=10, test_scenes=0, frames_per_scene=2, interval=2.0, size=(192, 320)
)
data_root = 'data/benchmark_teacher'
# Rigs differ from scene to scene; these four cameras are in all of them.
cameras = ['CAMERA_01', 'CAMERA_02', 'CAMERA_03', 'CAMERA_04']
# Metres: sky has no inverse depth to speak of, as for Depth Anything.
sky = 1e4

model.backbone.update(base_channels=64)
model.head = dict(
    type=RegressionDepthHead,
    min_depth=0.5,
    max_depth=200.0,
    focal_reference=None,
    loss_depth=dict(type=AffineInvariantLoss),
)
model.max_depth = sky

# Zoomed at the images' own size, so that what is enlarged is sharp.
train_pipeline = [
    dict(type=LoadSurroundImages),
    dict(type=LoadDenseDepth),
    dict(type=RandomZoomCrop, max_zoom=1.5),
    dict(type=ResizeViews, size=input_size),
    dict(type=RandomFlipViews, prob=0.5),
    dict(type=RandomPhotometric, strength=0.4, prob=0.8),
    dict(type=DenseDepthAsTarget, sky=sky),
    dict(type=PackSurroundInputs),
]
# 400 frames, four a step: sixteen images.
train_dataloader.update(batch_size=4)
train_dataloader.dataset.update(data_root=data_root, cameras=cameras, pipeline=train_pipeline)

# Judged on the student's world, which it has not seen, by what an affine map of each image leaves.
test_evaluator.update(protocol=['fsmde_dense', 'fsmde'], modes=['affine'], consistency=[])

max_epochs = 16
train_cfg.update(max_epochs=max_epochs)
param_scheduler[0].update(end=100)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
# An early checkpoint is the worse teacher of the ablation.
default_hooks.checkpoint.update(interval=4)
