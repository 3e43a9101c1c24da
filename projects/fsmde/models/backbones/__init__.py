"""Backbones that mmdet has not."""

from .efficientnet_lite import EfficientNetLite
from .stem_resnet import StemResNet
from .timm_backbone import TimmBackbone

__all__ = ['EfficientNetLite', 'StemResNet', 'TimmBackbone']
