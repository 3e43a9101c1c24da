"""Surround data sets and their transforms."""

from .ddad_dataset import DDADDataset
from .multi_source_batch_sampler import MultiSourceBatchSampler
from .nuscenes_surround_dataset import NuScenesSurroundDataset
from .surround_dataset import SurroundDepthDataset
from .transforms import *  # noqa: F401, F403

__all__ = ['DDADDataset', 'MultiSourceBatchSampler', 'NuScenesSurroundDataset', 'SurroundDepthDataset']
