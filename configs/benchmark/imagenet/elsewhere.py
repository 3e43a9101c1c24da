"""Distilled at home, with LiDAR, and on the images of another town, without: every batch has as many frames of both.

The rigs have six and five cameras, and a batch is of one kind of rig: home leaves out the camera that looks back, and has its
cameras in an order in which those of one number have the same neighbours in both.
"""

from mmengine.config import read_base
from mmengine.dataset import ConcatDataset

from fsmde.datasets import LoadTeacherAnswers, MultiSourceBatchSampler

with read_base():
    from ..._base_.pipelines import replace
    from .home import *

elsewhere_root = 'data/benchmark_elsewhere'
elsewhere_cameras = ['CAMERA_01', 'CAMERA_02', 'CAMERA_03', 'CAMERA_04', 'CAMERA_05']

home = dict(train_dataloader.dataset)
elsewhere = dict(
    home,
    data_root=elsewhere_root,
    cameras=elsewhere_cameras,
    labelled_fraction=0,
    pipeline=replace(
        train_pipeline, LoadTeacherAnswers, dict(type=LoadTeacherAnswers, cache='data/benchmark_elsewhere_answers')
    ),
)
train_dataloader.update(batch_size=4, batch_sampler=dict(type=MultiSourceBatchSampler))
train_dataloader.dataset = dict(type=ConcatDataset, datasets=[home, elsewhere], ignore_keys=['cam_names'])
test_dataloader.dataset.update(data_root=elsewhere_root, cameras=elsewhere_cameras)
del home, elsewhere, replace
