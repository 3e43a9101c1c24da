"""Depth inside mmdet3d's BEV detectors."""

from .bev_depth_detector import BEVDepthDetector
from .depth_distribution import bin_confidence, rebin_to_grid
from .lift_splat import BEVGrid, lift_splat
from .lss_transform import DepthDistributionLSSTransform

__all__ = [
    'BEVDepthDetector',
    'BEVGrid',
    'DepthDistributionLSSTransform',
    'bin_confidence',
    'lift_splat',
    'rebin_to_grid',
]
