"""What the demo distils with, chosen on the benchmark's validation scenes, which the demo's world does not have.

The runs are the demo's, with the teacher's answers from a cache. No reported number.

    python tools/dataset_converters/make_synthetic.py data/synthetic --size 192x320
    python tools/cache_teacher.py configs/demo/demo_kd.py --out data/synthetic_answers
"""

_judged = {
    'test_dataloader.dataset.data_root': 'data/benchmark',
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'val_dataloader': None,
    'val_cfg': None,
    'val_evaluator': None,
}
_answers = {
    'model.teacher': dict(_delete_=True, type='CachedTeacher', cache='data/synthetic_answers'),
    # In the place of KeepTeacherViews.
    'train_dataloader.dataset.pipeline.4': dict(type='LoadTeacherAnswers', cache='data/synthetic_answers'),
}
_ckd = dict(type='CrossInteractionKD', probabilities='aligned')
_vrkd = dict(type='ViewRelationalKD', relation='feature', grid=[12, 20], loss_weight=0.57)
_depth = dict(type='AlignedDepthKD')


def _with_sky(distiller):
    return dict(distiller, sky=True)


def _distilled(name, title, *distillers):
    return dict(
        name=name,
        title=title,
        config='configs/demo/demo_kd.py',
        cfg_options={'model.distillers': list(distillers), **_answers, **_judged},
    )


baseline = 'sup'
split = 'val'
seeds = [0, 1, 2]
arms = [
    dict(name='sup', title='supervised', config='configs/demo/demo_sup.py', cfg_options=_judged),
    _distilled('ckd_vrkd', 'CKD + VRKD', _ckd, _vrkd),
    _distilled('depth_gradient', 'aligned depth and gradients', _depth),
    _distilled('depth_gradient_vrkd', 'aligned depth and gradients + VRKD', _depth, _vrkd),
    _distilled('ckd_vrkd_sky', 'CKD + VRKD, sky and all', _with_sky(_ckd), _vrkd),
    _distilled('depth_gradient_sky', 'aligned depth and gradients, sky and all', _with_sky(_depth)),
    _distilled('depth_gradient_vrkd_sky', 'the same + VRKD', _with_sky(_depth), _vrkd),
    _distilled('ckd_vrkd_depth_gradient_sky', 'the same + CKD', _with_sky(_ckd), _vrkd, _with_sky(_depth)),
]
