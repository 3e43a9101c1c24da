"""The baseline of the distillation benchmark: a half-width ResNet-18 from scratch on sparse LiDAR.

python tools/dataset_converters/make_synthetic.py data/benchmark --size 192x320 --train-scenes 72 --val-scenes 12 \\
    --test-scenes 24
"""

from mmengine.config import read_base
from mmengine.visualization import LocalVisBackend

from fsmde.datasets import LoadSurroundLidar, SubsampleLidar

with read_base():
    from .._base_.pipelines import insert_after
    from ..realtime.demo.rt_resnet18_half import *

data_root = 'data/benchmark'
# 288 frames, two a step: 432 steps.
max_epochs = 3

# Better than 1e-3 and 2e-3: suite `tuning`.
optim_wrapper.optimizer.update(lr=4e-3)
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)

# A frame is loaded in milliseconds, and processes are for other runs.
train_dataloader.update(num_workers=0, persistent_workers=False)
test_dataloader.update(num_workers=0, persistent_workers=False)
# 41 % of the pixels of these small images have LiDAR, 3.3 % of DDAD's at 384x640.
train_pipeline = insert_after(train_pipeline, LoadSurroundLidar, dict(type=SubsampleLidar, fraction=0.08))
train_dataloader.dataset.update(data_root=data_root, pipeline=train_pipeline)
test_dataloader.dataset.update(data_root=data_root)

# Nothing is chosen while training: the last checkpoint counts.
val_dataloader = val_cfg = val_evaluator = None
default_hooks.checkpoint.update(interval=max_epochs, max_keep_ckpts=-1, save_best=None)
default_hooks.checkpoint.pop('rule')
visualizer.update(vis_backends=[dict(type=LocalVisBackend)])
del insert_after
