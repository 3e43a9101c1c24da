"""View-relational KD alone."""

from mmengine.config import read_base

from fsmde.models import ViewRelationalKD

with read_base():
    from .mini_teacher import *

model.distillers = [dict(type=ViewRelationalKD, relation='feature', grid=(12, 20), loss_weight=5.7)]
