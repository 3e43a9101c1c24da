"""Distilled at home, with LiDAR: the cameras that another town's rig has, too. See elsewhere.py."""

from mmengine.config import read_base

from fsmde.datasets import LoadTeacherAnswers

with read_base():
    from ..._base_.pipelines import replace
    from .self_aligned import *

home_cameras = ['CAMERA_01', 'CAMERA_05', 'CAMERA_07', 'CAMERA_08', 'CAMERA_06']
# Those of all six cameras are of another rig: a teacher may see the views of a rig together.
teacher_answers = 'data/benchmark_home_answers'
model.teacher.update(cache=teacher_answers)
train_pipeline = replace(train_pipeline, LoadTeacherAnswers, dict(type=LoadTeacherAnswers, cache=teacher_answers))
train_dataloader.dataset.update(cameras=home_cameras, pipeline=train_pipeline)
del replace
