"""The benchmark's mini foundation teacher: relative, from dense depth of other scenes, rigs and looks than the student's.

python tools/make_mini_teacher.py
"""

from mmdet.models.backbones import ResNet
from mmengine.config import read_base
from mmengine.dataset import ConcatDataset
from mmengine.visualization import LocalVisBackend

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
from fsmde.models import (
    BinDepthEstimator,
    LightPyramidNeck,
    RegressionDepthHead,
    ScaleInvariantLoss,
    SurroundDataPreprocessor,
)

with read_base():
    from .._base_.datasets.synthetic import *
    from .._base_.default_runtime import *
    from .._base_.schedules.adamw_20e import *

world = dict(
    preset='teacher', train_scenes=200, val_scenes=10, test_scenes=0, frames_per_scene=2, interval=2.0, size=(192, 320)
)
data_root = 'data/benchmark_teacher'
# Rigs differ from scene to scene; these four cameras are in all of them.
cameras = ['CAMERA_01', 'CAMERA_02', 'CAMERA_03', 'CAMERA_04']

model = dict(
    type=BinDepthEstimator,
    backbone=dict(type=ResNet, depth=18, norm_eval=False),
    neck=dict(type=LightPyramidNeck, channels=64),
    head=dict(
        type=RegressionDepthHead,
        min_depth=0.5,
        max_depth=1000.0,
        focal_reference=None,
        loss_depth=dict(type=ScaleInvariantLoss),
    ),
    # As far as dense depth reaches.
    max_depth=250.0,
    data_preprocessor=dict(type=SurroundDataPreprocessor),
)

# Zoomed at the images' own size, so that what is enlarged is sharp.
train_pipeline = [
    dict(type=LoadSurroundImages),
    dict(type=LoadDenseDepth),
    dict(type=RandomZoomCrop, max_zoom=1.5),
    dict(type=ResizeViews, size=input_size),
    dict(type=RandomFlipViews, prob=0.5),
    dict(type=RandomPhotometric, strength=0.4, prob=0.8),
    dict(type=DenseDepthAsTarget),
    dict(type=PackSurroundInputs),
]
# Views by themselves, so that a batch is of many scenes: 1,600, eight a step.
train_dataloader.update(batch_size=8, num_workers=0, persistent_workers=False)
train_dataloader.dataset = dict(
    type=ConcatDataset,
    datasets=[
        dict(train_dataloader.dataset, data_root=data_root, cameras=[camera], pipeline=train_pipeline)
        for camera in cameras
    ],
    ignore_keys=['cam_names'],
)
# Nothing is chosen while training: the last checkpoint counts.
val_dataloader = val_cfg = val_evaluator = None
# Judged on the student's world, which it has not seen, by what an affine map of each image leaves.
test_dataloader.update(num_workers=0, persistent_workers=False)
test_dataloader.dataset.update(data_root='data/benchmark')
test_evaluator.update(protocol=['fsmde_dense', 'fsmde'], modes=['affine'], consistency=[])

max_epochs = 16
optim_wrapper.optimizer.update(lr=1e-3)
train_cfg.update(max_epochs=max_epochs)
param_scheduler[0].update(end=100)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
# An early checkpoint is the worse teacher of the ablation.
default_hooks.checkpoint.update(interval=4, max_keep_ckpts=-1, save_best=None)
default_hooks.checkpoint.pop('rule')
default_hooks.logger.update(interval=20)
visualizer.update(vis_backends=[dict(type=LocalVisBackend)])
