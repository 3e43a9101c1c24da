"""What all students of the benchmark start from: the same network, trained on LiDAR of the teacher's world.

It stands for ImageNet's weights, which on images made of boxes would be worth nothing.

python tools/make_mini_teacher.py configs/benchmark/pretrained.py --work-dir work_dirs/benchmark/pretrained
"""

from mmengine.config import read_base

from fsmde.datasets import DenseDepthAsTarget, LoadDenseDepth, LoadSurroundLidar, ProjectLidarDepth

with read_base():
    from .._base_.pipelines import replace
    from .sup import model as student
    from .teacher import *

model = student
train_pipeline = replace(train_pipeline, LoadDenseDepth, dict(type=LoadSurroundLidar))
train_pipeline = replace(train_pipeline, DenseDepthAsTarget, dict(type=ProjectLidarDepth))
for views in train_dataloader.dataset.datasets:
    views.update(pipeline=train_pipeline)
max_epochs = 8
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
del replace, student, views
