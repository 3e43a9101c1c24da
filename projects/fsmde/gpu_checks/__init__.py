"""Whether this works, and how fast, on a GPU: what ``tools/dev/check_gpu.py`` runs.

A check is a function with a name, limits and their reason; see :mod:`fsmde.gpu_checks.check`.
"""

# They register their checks, which run in this order.
from . import numerics, graphs, speed, training  # noqa: F401  isort: skip
from .check import CHECKS, run_check
from .report import markdown
from .setting import Setting

__all__ = ['CHECKS', 'Setting', 'markdown', 'run_check']
