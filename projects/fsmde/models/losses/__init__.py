"""Losses."""

from .affine_invariant import AffineInvariantLoss
from .chamfer import chamfer_1d
from .silog import SILogLoss, masked_mean, silog

__all__ = ['AffineInvariantLoss', 'SILogLoss', 'chamfer_1d', 'masked_mean', 'silog']
