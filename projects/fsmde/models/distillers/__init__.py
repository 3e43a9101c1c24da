"""Distillers: one class with one method, ``loss(step) -> dict`` of ``loss_kd_*``."""

from .aligned_depth_kd import AlignedDepthKD
from .aligned_distiller import AlignedDistiller
from .alignment import align_to_lidar
from .attention_transfer_kd import AttentionTransferKD
from .base import DepthDistiller
from .channel_wise_kd import ChannelWiseKD
from .cross_interaction_kd import CrossInteractionKD
from .dist_kd import DISTKD
from .feature_distiller import FeatureDistiller
from .fit_net_kd import FitNetKD
from .hinton_bin_kd import HintonBinKD
from .masked_generative_kd import MaskedGenerativeKD
from .own_bins_distiller import OwnBinsDistiller
from .pairwise_affinity_kd import PairwiseAffinityKD
from .pearson_feature_kd import PearsonFeatureKD
from .relational_kd import RelationalKD
from .scale_shift_invariant_kd import ScaleShiftInvariantKD
from .step import DistillationStep
from .tie_kd import TieKD
from .view_relational_kd import ViewRelationalKD

__all__ = [
    'AlignedDepthKD',
    'AlignedDistiller',
    'AttentionTransferKD',
    'ChannelWiseKD',
    'CrossInteractionKD',
    'DISTKD',
    'DepthDistiller',
    'DistillationStep',
    'FeatureDistiller',
    'FitNetKD',
    'HintonBinKD',
    'MaskedGenerativeKD',
    'OwnBinsDistiller',
    'PairwiseAffinityKD',
    'PearsonFeatureKD',
    'RelationalKD',
    'ScaleShiftInvariantKD',
    'TieKD',
    'ViewRelationalKD',
    'align_to_lidar',
]
