"""Cross-interaction KD alone."""

from mmengine.config import read_base

from fsmde.models import CrossInteractionKD

with read_base():
    from .mini_teacher import *

model.distillers = [dict(type=CrossInteractionKD, probabilities='aligned')]
