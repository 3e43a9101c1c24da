"""Heads: from features to metric depth."""

from .bin_depth_head import BinDepthHead
from .regression_depth_head import RegressionDepthHead

__all__ = ['BinDepthHead', 'RegressionDepthHead']
