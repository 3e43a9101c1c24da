"""Depth estimators."""

from .any_view_depth_estimator import AnyViewDepthEstimator
from .bin_depth_estimator import BinDepthEstimator
from .distilled_depth_estimator import DistilledDepthEstimator

__all__ = ['AnyViewDepthEstimator', 'BinDepthEstimator', 'DistilledDepthEstimator']
