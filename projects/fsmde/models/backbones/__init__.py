"""Backbones that mmdet has not."""

from .efficientnet_lite import EfficientNetLite
from .stem_resnet import StemResNet

__all__ = ['EfficientNetLite', 'StemResNet']
