"""A mini teacher whose views know of each other: that of teacher_lite0.py with attention across views, on whole rigs.

python tools/make_mini_teacher.py configs/benchmark/teacher_any_view.py --work-dir work_dirs/benchmark/teacher_any_view

It teaches as `dict(type=EstimatorTeacher, ..., space='depth_scale_invariant_multi_view')`.
"""

from mmengine.config import read_base

from fsmde.models import AnyViewDepthEstimator

with read_base():
    from .teacher_lite0 import *

model.update(type=AnyViewDepthEstimator, views=dict(level=2, channels=128, layers=3, heads=4))
# One unknown scale for a rig: that views agree is what is to be learned.
model.head.loss_depth.update(scope='rig')
# As many views a step as the others see, and as many steps: two rigs of four cameras.
train_dataloader.batch_size = 2
train_dataloader.dataset = dict(train_dataloader.dataset.datasets[0], cameras=cameras)
test_evaluator.update(modes=['shared_median', 'affine'])
