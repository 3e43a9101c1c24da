"""Losses."""

from .chamfer import chamfer_1d
from .scale_invariant import ScaleInvariantLoss
from .silog import SILogLoss, masked_mean, silog

__all__ = ['SILogLoss', 'ScaleInvariantLoss', 'chamfer_1d', 'masked_mean', 'silog']
