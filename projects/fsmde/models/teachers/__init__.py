"""Frozen depth teachers."""

from .base import DepthTeacher
from .cached import CachedTeacher, OracleTeacher
from .estimator import EstimatorTeacher
from .huggingface import HuggingFaceDepthTeacher
from .replay import replay_augmentation
from .zoo import MODEL_ZOO

__all__ = [
    'MODEL_ZOO',
    'CachedTeacher',
    'DepthTeacher',
    'EstimatorTeacher',
    'HuggingFaceDepthTeacher',
    'OracleTeacher',
    'replay_augmentation',
]
