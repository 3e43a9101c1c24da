r"""The mini teacher of students that start from ImageNet: that of teacher_lite0.py at twice the size, on more scenes.

It is shipped in models/benchmark_teacher:

    python tools/make_mini_teacher.py configs/benchmark/imagenet/teacher.py --work-dir work_dirs/benchmark/teacher_192x320
    python tools/model_converters/publish_model.py work_dirs/benchmark/teacher_192x320/epoch_5.pth \
        models/benchmark_teacher --half --licence apache-2.0
"""

from mmengine.config import read_base

with read_base():
    from ..teacher_lite0 import *

input_size = (192, 320)
world.update(train_scenes=480)
data_root = 'data/benchmark_teacher_480'
for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size=input_size)
# 3,840 views, four a step: 960 steps an epoch.
max_epochs = 5
train_dataloader.batch_size = 4
for views in train_dataloader.dataset.datasets:
    views.update(data_root=data_root, pipeline=train_pipeline)
test_dataloader.dataset.pipeline = test_pipeline
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
del transform, views
