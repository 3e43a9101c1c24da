"""Which teacher is worth learning from: candidates judged on a user's own data, after each alignment their space allows."""

from .boundaries import boundary_f1
from .comparison import compare_teachers
from .judge import CORRECTED, LIDAR_ALONE, judge, readings
from .report import describe, summary, table

__all__ = [
    'CORRECTED',
    'LIDAR_ALONE',
    'boundary_f1',
    'compare_teachers',
    'describe',
    'judge',
    'readings',
    'summary',
    'table',
]
