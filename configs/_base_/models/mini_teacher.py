"""The distillation benchmark's mini teacher, as `python tools/make_mini_teacher.py` leaves it."""

from fsmde.models import EstimatorTeacher

mini_teacher = dict(
    type=EstimatorTeacher,
    config='configs/benchmark/teacher.py',
    checkpoint='work_dirs/benchmark/teacher/epoch_16.pth',
    space='disparity_affine_invariant',
)
