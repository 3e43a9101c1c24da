r"""The mini teacher that is shipped in models/mini_teacher: the benchmark's with EfficientNet-Lite0, which knows the sky, too.

As depth foundation models do; LiDAR says nothing of it.

    python tools/make_mini_teacher.py configs/demo/mini_teacher.py --work-dir work_dirs/mini_teacher
    python tools/model_converters/publish_model.py work_dirs/mini_teacher/epoch_10.pth models/mini_teacher --half \
        --licence apache-2.0
"""

from mmengine.config import read_base

from fsmde.datasets import DenseDepthAsTarget

with read_base():
    from .._base_.pipelines import replace
    from ..benchmark.teacher_lite0 import *

train_pipeline = replace(train_pipeline, DenseDepthAsTarget, dict(type=DenseDepthAsTarget, sky=model.max_depth))
for views in train_dataloader.dataset.datasets:
    views.update(pipeline=train_pipeline)
del replace, views
