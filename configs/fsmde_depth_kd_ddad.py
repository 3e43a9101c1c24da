"""The student of fsmde_kd_ddad.py, distilled by the aligned depth of the teacher and its gradients: what did best.

See "When to distil" in docs/distillers.md. No features of the teacher are read.
"""

from mmengine.config import read_base

from fsmde.models import AlignedDepthKD

with read_base():
    from .fsmde_kd_ddad import *

model.distillers = [dict(type=AlignedDepthKD)]
