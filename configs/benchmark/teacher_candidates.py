"""The mini teachers and what becomes of two together, for the tool that says which is worth learning from.

Both are made by the commands of suites/any_view.py.

python tools/analysis_tools/alignment_error.py configs/benchmark/live_teacher.py \
    --teachers configs/benchmark/teacher_candidates.py --split val --fraction 0.08
"""

single_view = dict(
    type='EstimatorTeacher',
    config='configs/benchmark/teacher_lite0.py',
    checkpoint='work_dirs/benchmark/teacher_lite0/epoch_10.pth',
    space='disparity_affine_invariant',
)
any_view = dict(
    type='EstimatorTeacher',
    config='configs/benchmark/teacher_any_view.py',
    checkpoint='work_dirs/benchmark/teacher_any_view/epoch_10.pth',
    space='depth_scale_invariant_multi_view',
)
both = [single_view, any_view]

teachers = dict(
    single_view=single_view,
    any_view=any_view,
    mean=dict(type='SeveralTeachers', teachers=both, combine='mean'),
    choice=dict(type='SeveralTeachers', teachers=both, combine='choice'),
)
