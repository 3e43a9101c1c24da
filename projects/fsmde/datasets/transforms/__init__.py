"""Transforms of whole surround frames, registered in mmdet3d's TRANSFORMS."""

from .detection import PackSurroundDetInputs, SurroundFromInfos
from .formatting import PackSurroundInputs
from .geometric import KeepTeacherViews, RandomFlipViews, RandomZoomCrop, ResizeViews
from .lidar_depth import DenseDepthAsTarget, KeepLidarPixels, ProjectLidarDepth, SubsampleLidar
from .loading import LoadDenseDepth, LoadSurroundImages, LoadSurroundLidar
from .photometric import RandomPhotometric
from .pseudo_points import PseudoPointsFromDepth
from .rectification import RectifyViews
from .teacher_answers import LoadTeacherAnswers, OracleTeacherAnswers

__all__ = [
    'DenseDepthAsTarget',
    'KeepLidarPixels',
    'KeepTeacherViews',
    'LoadDenseDepth',
    'LoadSurroundImages',
    'LoadSurroundLidar',
    'LoadTeacherAnswers',
    'OracleTeacherAnswers',
    'PackSurroundDetInputs',
    'PackSurroundInputs',
    'ProjectLidarDepth',
    'PseudoPointsFromDepth',
    'RandomFlipViews',
    'RandomPhotometric',
    'RandomZoomCrop',
    'RectifyViews',
    'ResizeViews',
    'SubsampleLidar',
    'SurroundFromInfos',
]
