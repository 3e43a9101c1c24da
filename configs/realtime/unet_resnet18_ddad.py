"""The classic baseline on DDAD: monodepth2's ResNet-18 encoder-decoder, supervised like the students."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.unet_resnet18 import unet_head, unet_neck, unet_resnet18
    from ..fsmde_sup_ddad import *

model.backbone, model.neck, model.head = unet_resnet18, unet_neck, unet_head
