r"""The student that is shipped in models/student: the demo's network at twice the size, on four times the scenes, for longer.

It starts from the benchmark's teacher, models/benchmark_teacher, whose backbone and neck are of the same shape, and reads its
answers: configs/benchmark/suites/converged.py says how they are written. (The one that is shipped had an earlier training of
the same teacher.)

    python tools/train.py configs/demo/student.py
    python tools/test.py configs/demo/student.py work_dirs/student/epoch_12.pth --work-dir work_dirs/student \
        --cfg-options test_dataloader.dataset.split=test
    python tools/model_converters/publish_model.py work_dirs/student/epoch_12.pth models/student --half \
        --licence apache-2.0 --teacher-licence apache-2.0 --results work_dirs/student/test_*/results.json
"""

from mmengine.config import read_base

from fsmde.datasets import SubsampleLidar
from fsmde.models import CrossInteractionKD, ViewRelationalKD

with read_base():
    from .._base_.pipelines import replace
    from ..benchmark.imagenet.mini_teacher import *

load_from = 'models/benchmark_teacher'
input_size = (192, 320)
# The demo's, of pixels half as large.
model.head.update(focal_reference=174.0)
model.distillers = [
    dict(type=CrossInteractionKD, probabilities='aligned'),
    dict(type=ViewRelationalKD, relation='feature', grid=(12, 20), loss_weight=5.7),
]
# All LiDAR points.
train_pipeline = replace(train_pipeline, SubsampleLidar)
for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size=input_size)
train_dataloader.update(num_workers=1, persistent_workers=True)
train_dataloader.dataset.update(pipeline=train_pipeline)
test_dataloader.dataset.update(pipeline=test_pipeline)

# 144 steps each.
max_epochs = 12
optim_wrapper.optimizer.update(lr=1e-3)
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
del replace, transform
