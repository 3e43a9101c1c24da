"""Surround data sets and their transforms."""

from .ddad_dataset import DDADDataset
from .nuscenes_surround_dataset import NuScenesSurroundDataset
from .surround_dataset import SurroundDepthDataset
from .transforms import *  # noqa: F401, F403

__all__ = ['DDADDataset', 'NuScenesSurroundDataset', 'SurroundDepthDataset']
