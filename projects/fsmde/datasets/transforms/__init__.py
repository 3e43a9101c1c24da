"""Transforms of whole surround frames, registered in mmdet3d's TRANSFORMS."""

from .formatting import PackSurroundInputs
from .geometric import KeepTeacherViews, RandomFlipViews, RandomZoomCrop, ResizeViews
from .lidar_depth import DenseDepthAsTarget, KeepLidarPixels, ProjectLidarDepth
from .loading import LoadDenseDepth, LoadSurroundImages, LoadSurroundLidar
from .photometric import RandomPhotometric
from .teacher_answers import LoadTeacherAnswers

__all__ = [
    'DenseDepthAsTarget',
    'KeepLidarPixels',
    'KeepTeacherViews',
    'LoadDenseDepth',
    'LoadSurroundImages',
    'LoadSurroundLidar',
    'LoadTeacherAnswers',
    'PackSurroundInputs',
    'ProjectLidarDepth',
    'RandomFlipViews',
    'RandomPhotometric',
    'RandomZoomCrop',
    'ResizeViews',
]
