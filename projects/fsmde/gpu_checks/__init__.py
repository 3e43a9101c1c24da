"""Whether this works, and how fast, on a GPU: what ``tools/dev/check_gpu.py`` runs.

A check is a function with a name, limits and their reason; see :mod:`fsmde.gpu_checks.check`.
"""

from . import commands, graphs, numerics, speed  # noqa: F401  They register their checks.
from .check import CHECKS, run_check
from .report import markdown
from .setting import Setting

__all__ = ['CHECKS', 'Setting', 'markdown', 'run_check']
