r"""What a student gains from a teacher that has seen all views together, and from the same one that has not. Test split.

The two teachers, and their answers:

    python tools/make_mini_teacher.py configs/benchmark/teacher_lite0.py --work-dir work_dirs/benchmark/teacher_lite0
    python tools/make_mini_teacher.py configs/benchmark/teacher_any_view.py --work-dir work_dirs/benchmark/teacher_any_view
    python tools/cache_teacher.py configs/benchmark/live_teacher.py --out data/benchmark_teacher_answers_lite0 --cfg-options \
        model.teacher.config=configs/benchmark/teacher_lite0.py \
        model.teacher.checkpoint=work_dirs/benchmark/teacher_lite0/epoch_10.pth
    python tools/cache_teacher.py configs/benchmark/live_teacher.py \
        --out data/benchmark_teacher_answers_any_view --cfg-options \
        model.teacher.config=configs/benchmark/teacher_any_view.py \
        model.teacher.checkpoint=work_dirs/benchmark/teacher_any_view/epoch_10.pth \
        model.teacher.space=depth_scale_invariant_multi_view
"""

_methods = dict(ckd='CKD', vrkd='VRKD', ckd_vrkd='CKD + VRKD')
_teachers = dict(lite0='a teacher of single views', any_view='a teacher of whole rigs')
_caches = 'model.teacher.cache', 'train_dataloader.dataset.pipeline.4.cache'

baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    # Filed under the suite main: its runs are made once.
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py', suite='main'),
    *(
        dict(
            name=f'{method}_{teacher}',
            title=f'{title}, {whose}',
            config=f'configs/benchmark/{method}.py',
            cfg_options=dict.fromkeys(_caches, f'data/benchmark_teacher_answers_{teacher}'),
        )
        for teacher, whose in _teachers.items()
        for method, title in _methods.items()
    ),
]
