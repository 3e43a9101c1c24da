"""Surround data sets and their transforms."""

from .argoverse2_surround_dataset import Argoverse2SurroundDataset
from .ddad_dataset import DDADDataset
from .infos_surround_dataset import InfosSurroundDataset
from .kitti360_surround_dataset import Kitti360SurroundDataset
from .mixed_dataset import MixedSurroundDataset
from .multi_source_batch_sampler import MultiSourceBatchSampler
from .nuscenes_surround_dataset import NuScenesSurroundDataset
from .nuscenes_sweep_dataset import NuScenesSweepDataset
from .surround_dataset import SurroundDepthDataset
from .transforms import *  # noqa: F401, F403
from .waymo_surround_dataset import WaymoSurroundDataset

__all__ = [
    'Argoverse2SurroundDataset',
    'DDADDataset',
    'InfosSurroundDataset',
    'Kitti360SurroundDataset',
    'MixedSurroundDataset',
    'MultiSourceBatchSampler',
    'NuScenesSurroundDataset',
    'NuScenesSweepDataset',
    'SurroundDepthDataset',
    'WaymoSurroundDataset',
]
