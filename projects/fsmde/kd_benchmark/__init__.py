"""The distillation benchmark: arms that differ in one thing, several seeds, held-out scenes, paired gains."""

from .execution import execute
from .report import write_report
from .suite import Arm, Run, Suite, read_suite

__all__ = ['Arm', 'Run', 'Suite', 'execute', 'read_suite', 'write_report']
