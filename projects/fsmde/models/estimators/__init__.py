"""Depth estimators."""

from .bin_depth_estimator import BinDepthEstimator
from .distilled_depth_estimator import DistilledDepthEstimator

__all__ = ['BinDepthEstimator', 'DistilledDepthEstimator']
