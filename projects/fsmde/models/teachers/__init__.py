"""Frozen depth teachers."""

from .base import DepthTeacher
from .cached import CachedTeacher, OracleTeacher
from .depth_anything_3 import DepthAnything3Teacher
from .estimator import EstimatorTeacher
from .huggingface import HuggingFaceDepthTeacher
from .replay import replay_augmentation
from .several import SeveralTeachers
from .zoo import MODEL_ZOO

__all__ = [
    'MODEL_ZOO',
    'CachedTeacher',
    'DepthAnything3Teacher',
    'DepthTeacher',
    'EstimatorTeacher',
    'HuggingFaceDepthTeacher',
    'OracleTeacher',
    'SeveralTeachers',
    'replay_augmentation',
]
