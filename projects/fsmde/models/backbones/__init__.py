"""Backbones that mmdet has not."""

from .stem_resnet import StemResNet

__all__ = ['StemResNet']
