"""A frozen teacher's answers on disk: written once, read by every training."""

from .cache import TeacherCache
from .metric_cache import MetricCache, open_cache
from .scaling import write_scales
from .writing import write_answers

__all__ = ['MetricCache', 'TeacherCache', 'open_cache', 'write_answers', 'write_scales']
