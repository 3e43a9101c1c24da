"""LiDAR on 10, 3 and 1 % of the frames, in 29, 9 and 3 of the 72 scenes, and the teacher on all images. Test split.

The twin of a distilled arm trains on the same labelled frames alone, in as many steps; its batches are half as large, for
which there is a twin with twice the steps. Answers: see suites/converged.py.
"""

_dataset = 'train_dataloader.dataset'
_distillers = {
    'model.distillers': [
        dict(type='CrossInteractionKD', probabilities='aligned', self_align=True),
        dict(type='ViewRelationalKD', relation='feature', grid=[12, 20], loss_weight=5.7),
    ]
}

_twice = {
    'train_cfg.max_epochs': 20,
    'param_scheduler.1.end': 20,
    'param_scheduler.1.T_max': 20,
    'default_hooks.checkpoint.interval': 20,
}


def _supervised(percent, name='sup', title='supervised', **options):
    return dict(
        name=f'{name}_{percent}',
        title=f'{title}, {percent} % labelled',
        config='configs/benchmark/imagenet/sup.py',
        cfg_options={f'{_dataset}.labelled_fraction': percent / 100, f'{_dataset}.only_labelled': True, **options},
        baseline=f'sup_{percent}',
    )


def _distilled(percent):
    return dict(
        name=f'ckd_vrkd_{percent}',
        title=f'CKD + VRKD, {percent} % labelled, beside as many of all',
        config='configs/benchmark/imagenet/few_labels.py',
        cfg_options={**{f'{_dataset}.datasets.{i}.labelled_fraction': percent / 100 for i in (0, 1)}, **_distillers},
        baseline=f'sup_{percent}',
    )


baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    dict(name='sup', title='supervised', config='configs/benchmark/imagenet/sup.py', suite='converged'),
    *[arm for percent in (10, 3, 1) for arm in (_supervised(percent), _distilled(percent))],
    _supervised(3, 'sup_2x', 'supervised, twice the steps', **_twice),
]
