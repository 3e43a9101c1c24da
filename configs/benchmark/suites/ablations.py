"""What each part of the method does: readings of CKD, relations of VRKD, bins, weights, teachers.

Beside what docs/benchmark.md makes, other teachers. The worse one is the mini teacher after a quarter of its training, the
better one has seen the students' scenes:

python tools/cache_teacher.py configs/benchmark/live_teacher.py --out data/benchmark_teacher_answers_epoch_4 \\
    --cfg-options model.teacher.checkpoint=work_dirs/benchmark/teacher/epoch_4.pth
python tools/make_mini_teacher.py configs/benchmark/home_teacher.py --work-dir work_dirs/benchmark/home_teacher
python tools/cache_teacher.py configs/benchmark/live_teacher.py --out data/benchmark_teacher_answers_home \\
    --cfg-options model.teacher.checkpoint=work_dirs/benchmark/home_teacher/epoch_4.pth

The untrained one has random weights, and statistics of the teacher's images:

python tools/train.py configs/benchmark/teacher.py --work-dir work_dirs/benchmark/untrained_teacher --cfg-options \\
    optim_wrapper.optimizer.lr=0.0 param_scheduler.1.eta_min=0.0 train_cfg.max_epochs=1 default_hooks.checkpoint.interval=1
python tools/cache_teacher.py configs/benchmark/live_teacher.py --out data/benchmark_teacher_answers_untrained \\
    --cfg-options model.teacher.checkpoint=work_dirs/benchmark/untrained_teacher/epoch_1.pth
"""


def _kd(name, title, *distillers, **cfg_options):
    """An arm that differs from the method in its distillers, and in settings."""
    return dict(
        name=name,
        title=title,
        config='configs/benchmark/mini_teacher.py',
        cfg_options={'model.distillers': list(distillers), **cfg_options},
    )


def _ckd(**options):
    return dict(type='CrossInteractionKD', **options)


def _vrkd(**options):
    return dict(type='ViewRelationalKD', **{'relation': 'feature', 'grid': [12, 20], 'loss_weight': 5.7, **options})


def _method(name, title, **cfg_options):
    return dict(name=name, title=title, config='configs/benchmark/ckd_vrkd.py', cfg_options=cfg_options)


def _taught(name, title, answers, method='ckd_vrkd'):
    """An arm with another teacher's answers, which the model and the pipeline read."""
    caches = ['model.teacher.cache', 'train_dataloader.dataset.pipeline.4.cache']
    cfg_options = dict.fromkeys(caches, f'data/benchmark_teacher_answers_{answers}')
    return dict(name=name, title=title, config=f'configs/benchmark/{method}.py', cfg_options=cfg_options)


baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    # Filed under the suite main: their runs are made once.
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py', suite='main'),
    dict(name='ckd', title='CKD', config='configs/benchmark/ckd.py', suite='main'),
    dict(name='vrkd', title='VRKD', config='configs/benchmark/vrkd.py', suite='main'),
    dict(name='ckd_vrkd', title='CKD + VRKD', config='configs/benchmark/ckd_vrkd.py', suite='main'),
    _kd(
        'no_local', "CKD 'aligned' (F2) without the correction near LiDAR", _ckd(probabilities='aligned', local=False)
    ),
    _kd(
        'factored',
        "CKD 'factored' (F1)",
        _ckd(probabilities='factored'),
        **{'model.head.centers': 'factored'},
    ),
    _kd('branch', "CKD 'branch'", _ckd(probabilities='branch')),
    _kd('branch_select', "CKD 'branch', where the crossing wins (F3)", _ckd(probabilities='branch', select=True)),
    _kd('crossing_only', 'the crossing alone', _ckd(probabilities='branch', prob_weight=0.0)),
    _kd('no_crossing', "CKD 'branch' without the crossing", _ckd(probabilities='branch', cross_weight=0.0)),
    _kd(
        'hinton_local',
        'Hinton KD with the correction near LiDAR',
        dict(type='HintonBinKD', loss_weight=0.055, local=True),
    ),
    dict(name='vrkd_geometric', title='VRKD, geometric near the wedge', config='configs/benchmark/vrkd_geometric.py'),
    dict(
        name='ckd_vrkd_geometric',
        title='CKD + VRKD, geometric near the wedge',
        config='configs/benchmark/ckd_vrkd_geometric.py',
    ),
    _kd('vrkd_wedge', 'VRKD near the wedge', _vrkd(pairs='wedge')),
    _kd('vrkd_probability', 'VRKD on probabilities', _vrkd(relation='probability')),
    _method('bins_32', 'CKD + VRKD, 32 bins', **{'model.head.bins.num_bins': 32}),
    _method('bins_128', 'CKD + VRKD, 128 bins', **{'model.head.bins.num_bins': 128}),
    _method('centers_rig', 'CKD + VRKD, centers of the rig', **{'model.head.scope': 'rig'}),
    _method('centers_fixed', 'CKD + VRKD, fixed centers', **{'model.head.centers': 'fixed'}),
    _method('weight_third', 'CKD x 0.3 + VRKD', **{'model.distillers.0.loss_weight': 0.3}),
    _method('weight_triple', 'CKD x 3 + VRKD', **{'model.distillers.0.loss_weight': 3.0}),
    _taught('worse_teacher', 'CKD + VRKD, a worse teacher', 'epoch_4'),
    _taught('home_teacher', 'CKD + VRKD, a teacher that has seen the scenes', 'home'),
    _taught('untrained_teacher', 'CKD + VRKD, an untrained teacher', 'untrained'),
    _taught('vrkd_untrained', 'VRKD, an untrained teacher', 'untrained', 'vrkd'),
    dict(name='oracle_ckd', title='CKD from an oracle', config='configs/benchmark/oracle_ckd.py', suite='main'),
]
