"""The method with geometric relations instead of those of features."""

from mmengine.config import read_base

from fsmde.models import CrossInteractionKD, ViewRelationalKD

with read_base():
    from .mini_teacher import *

model.distillers = [
    dict(type=CrossInteractionKD, probabilities='aligned'),
    dict(type=ViewRelationalKD, relation='geometric', pairs='wedge', loss_weight=0.065),
]
