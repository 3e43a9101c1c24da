"""Distillers: one class with one method, ``loss(student, teacher, target, rig) -> dict`` of ``loss_kd_*``."""

from .aligned_distiller import AlignedDistiller
from .alignment import align_to_lidar
from .base import DepthDistiller
from .cross_interaction_kd import CrossInteractionKD
from .hinton_bin_kd import HintonBinKD
from .own_bins_distiller import OwnBinsDistiller
from .scale_shift_invariant_kd import ScaleShiftInvariantKD
from .tie_kd import TieKD
from .view_relational_kd import ViewRelationalKD

__all__ = [
    'AlignedDistiller',
    'CrossInteractionKD',
    'DepthDistiller',
    'HintonBinKD',
    'OwnBinsDistiller',
    'ScaleShiftInvariantKD',
    'TieKD',
    'ViewRelationalKD',
    'align_to_lidar',
]
