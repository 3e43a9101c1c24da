"""View-relational KD alone, of distances between points near the wedge that two views share."""

from mmengine.config import read_base

from fsmde.models import ViewRelationalKD

with read_base():
    from .mini_teacher import *

model.distillers = [dict(type=ViewRelationalKD, relation='geometric', pairs='wedge', loss_weight=0.065)]
