"""A frozen teacher's answers on disk: written once, read by every training."""

from .cache import TeacherCache
from .scaling import write_scales
from .writing import write_answers

__all__ = ['TeacherCache', 'write_answers', 'write_scales']
