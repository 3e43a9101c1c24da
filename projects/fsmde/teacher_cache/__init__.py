"""A frozen teacher's answers on disk: written once, read by every training."""

from .cache import TeacherCache
from .writing import write_answers

__all__ = ['TeacherCache', 'write_answers']
