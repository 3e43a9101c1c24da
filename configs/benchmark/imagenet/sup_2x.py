"""The baseline with twice the steps: distillation must not be bought by them."""

from mmengine.config import read_base

with read_base():
    from .sup import *

max_epochs = 2 * max_epochs
train_cfg.update(max_epochs=max_epochs)
param_scheduler[1].update(end=max_epochs, T_max=max_epochs)
default_hooks.checkpoint.update(interval=max_epochs)
