"""A teacher that no student would have: the mini teacher, taught on by dense depth of the students' own training scenes.

python tools/make_mini_teacher.py configs/benchmark/home_teacher.py --work-dir work_dirs/benchmark/home_teacher
"""

from mmengine.config import read_base

with read_base():
    from .teacher import *

world = dict(preset='student', train_scenes=72, val_scenes=12, test_scenes=24, frames_per_scene=4, size=(192, 320))
train_dataloader.dataset.update(
    datasets=[
        dict(train_dataloader.dataset.datasets[0], data_root='data/benchmark', cameras=[camera])
        for camera in ('CAMERA_01', 'CAMERA_05', 'CAMERA_06', 'CAMERA_07', 'CAMERA_08', 'CAMERA_09')
    ]
)
data_root = 'data/benchmark'
load_from = 'work_dirs/benchmark/teacher/epoch_16.pth'
max_epochs = 4
optim_wrapper.optimizer.update(lr=5e-4)
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
