"""Depth estimators and their parts, teachers and distillers, registered in mmdet3d's MODELS."""

from .backbones import *  # noqa: F401, F403
from .bev import *  # noqa: F401, F403
from .data_preprocessor import SurroundDataPreprocessor
from .distillers import *  # noqa: F401, F403
from .estimators import *  # noqa: F401, F403
from .heads import *  # noqa: F401, F403
from .losses import *  # noqa: F401, F403
from .necks import *  # noqa: F401, F403
from .teachers import *  # noqa: F401, F403

__all__ = ['SurroundDataPreprocessor']
