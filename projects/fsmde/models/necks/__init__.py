"""Necks."""

from .light_pyramid_neck import LightPyramidNeck

__all__ = ['LightPyramidNeck']
