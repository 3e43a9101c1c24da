"""Necks."""

from .light_pyramid_neck import LightPyramidNeck
from .unet_neck import UNetNeck

__all__ = ['LightPyramidNeck', 'UNetNeck']
