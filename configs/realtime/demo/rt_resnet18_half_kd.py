"""rt_resnet18_half.py distilled from the benchmark's mini teacher: `python tools/make_mini_teacher.py`."""

from mmengine.config import read_base

with read_base():
    from .rt_resnet18_half_smoothed64_kd import *

model.neck.update(channels=32, smooth_finest=False)
