"""The method for images without LiDAR: there the teacher is aligned to the student's own depth."""

from mmengine.config import read_base

from fsmde.models import CrossInteractionKD, ViewRelationalKD

with read_base():
    from .mini_teacher import *

model.distillers = [
    dict(type=CrossInteractionKD, probabilities='aligned', self_align=True),
    dict(type=ViewRelationalKD, relation='feature', grid=(12, 20), loss_weight=5.7),
]
