r"""Students that start from ImageNet and are trained near convergence: what distillation adds, and what of it is knowledge.

The answers of the teacher that is kept, models/benchmark_teacher, which the arms `_kept` read:

    python tools/cache_teacher.py configs/benchmark/imagenet/live_teacher.py --out data/benchmark_teacher_answers_kept

Those of one with random weights, whose BatchNorms have seen the teacher's world, which the arms `_random` read:

    python tools/dataset_converters/make_synthetic.py data/benchmark_teacher --preset teacher --size 192x320 \
        --train-scenes 200 --val-scenes 10 --test-scenes 0 --frames-per-scene 2 --interval 2.0
    python tools/train.py configs/benchmark/imagenet/teacher.py --data-root data/benchmark_teacher \
        --work-dir work_dirs/benchmark/random --cfg-options model.backbone.init_cfg=None \
        optim_wrapper.optimizer.lr=0.0 param_scheduler.1.eta_min=0.0 train_cfg.max_epochs=1
    python tools/cache_teacher.py configs/benchmark/imagenet/live_teacher.py --out data/benchmark_teacher_answers_random \
        --cfg-options model.teacher.config=configs/benchmark/imagenet/teacher.py \
        model.teacher.checkpoint=work_dirs/benchmark/random/epoch_1.pth

Those of a smaller one that knows the sky, models/mini_teacher:

    python tools/cache_teacher.py configs/benchmark/imagenet/live_teacher.py --out data/benchmark_teacher_answers_sky \
        --cfg-options model.teacher.config=models/mini_teacher

The weights of the other arms' teachers, an earlier training of the same config and other random weights (`_untrained`), are
lost, and with them their answers: their records stay, and more seeds of them want another name.
"""

_caches = 'model.teacher.cache', 'train_dataloader.dataset.pipeline.3.cache'
_untrained = dict.fromkeys(_caches, 'data/benchmark_teacher_answers_192x320_untrained')
_random = dict.fromkeys(_caches, 'data/benchmark_teacher_answers_random')
_sky = dict.fromkeys(_caches, 'data/benchmark_teacher_answers_sky')
_kept = dict.fromkeys(_caches, 'data/benchmark_teacher_answers_kept')
_ckd = dict(type='CrossInteractionKD', probabilities='aligned')
_vrkd = dict(type='ViewRelationalKD', relation='feature', grid=[12, 20], loss_weight=5.7)
_depth = dict(type='AlignedDepthKD')
# The weight of suite `imagenet_weights`; the others' are those of students from random weights.
_lighter = dict(_vrkd, loss_weight=0.57)
_pkd = dict(type='PearsonFeatureKD', loss_weight=2.8)
_rkd = dict(type='RelationalKD', loss_weight=2.7)
_affinity = dict(type='PairwiseAffinityKD', loss_weight=32.0)
_ssi = dict(type='ScaleShiftInvariantKD', loss_weight=0.085)
# What is asked of features costs such students at those weights, so all of it has a tenth, too, as VRKD.
_methods = {
    'ckd': ('CKD', _ckd),
    'ckd_vrkd_0.57': ('CKD + VRKD, a tenth of its weight', _ckd, _lighter),
    'vrkd_0.57': ('VRKD, a tenth of its weight', _lighter),
    'pkd_0.28': ('PKD, a tenth of its weight', dict(_pkd, loss_weight=0.28)),
    'rkd_0.27': ('RKD, a tenth of its weight', dict(_rkd, loss_weight=0.27)),
    'affinity_3.2': ('pair-wise affinity, a tenth of its weight', dict(_affinity, loss_weight=3.2)),
}


def _arm(name, title, *distillers, config='mini_teacher', **options):
    if distillers:
        options['model.distillers'] = list(distillers)
    return dict(name=name, title=title, config=f'configs/benchmark/imagenet/{config}.py', cfg_options=options)


def _arms_from(teacher, title, caches):
    return [
        _arm(f'{name}_{teacher}', f'{title}: {label}', *distillers, **caches)
        for name, (label, *distillers) in _methods.items()
    ]


baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    _arm('sup', 'supervised', config='sup'),
    _arm('sup_2x', 'supervised, twice the steps', config='sup_2x'),
    _arm('ckd', 'CKD', _ckd),
    _arm('vrkd', 'VRKD', _vrkd),
    _arm('ckd_vrkd', 'CKD + VRKD', _ckd, _vrkd),
    _arm('ckd_vrkd_0.57', 'CKD + VRKD, a tenth of its weight', _ckd, _lighter),
    _arm(
        'ckd_vrkd_0.57_sky',
        'the same, sky and all, a teacher that knows the sky',
        dict(_ckd, sky=True),
        _lighter,
        **_sky,
    ),
    _arm('depth_gradient', 'aligned depth and gradients', _depth),
    _arm('depth_gradient_mini', 'the same, models/mini_teacher', _depth, **_sky),
    _arm('depth_gradient_kept', 'the same, models/benchmark_teacher', _depth, **_kept),
    _arm('depth_vrkd_kept', 'the same and VRKD, a tenth of its weight', _depth, _lighter, **_kept),
    _arm('pkd', 'PKD', _pkd),
    _arm('rkd', 'RKD', _rkd),
    _arm('affinity', 'pair-wise affinity', _affinity),
    _arm('ssi', 'scale- and shift-invariant response KD', _ssi),
    *_arms_from('kept', 'models/benchmark_teacher', _kept),
    _arm('ssi_kept', 'models/benchmark_teacher: scale- and shift-invariant response KD', _ssi, **_kept),
    _arm(
        'ckd_vrkd_0.57_untrained',
        'CKD + VRKD, a tenth of its weight, a teacher with random weights',
        _ckd,
        _lighter,
        **_untrained,
    ),
    *_arms_from('random', 'random weights', _random),
    _arm('depth_gradient_random', 'random weights: aligned depth and gradients', _depth, **_random),
    _arm('oracle_ckd', 'bound: CKD from an oracle', _ckd, config='oracle'),
    _arm('oracle_ckd_sky', 'bound: CKD from an oracle, sky and all', dict(_ckd, sky=True), config='oracle'),
    _arm('oracle_depth', 'bound: aligned depth and gradients from an oracle', _depth, config='oracle'),
    _arm('points', 'bound: all LiDAR points', config='sup', **{'train_dataloader.dataset.pipeline.2.fraction': 1.0}),
    _arm('dense', 'bound: dense supervision', config='dense'),
]
