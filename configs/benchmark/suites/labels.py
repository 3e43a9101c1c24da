"""Fewer labelled frames: LiDAR for 100, 30, 10 and 3 % of the training frames, and the teacher for all of them.

The twin of a distilled arm trains on the same labelled frames alone, in as many steps.
"""

_dataset = 'train_dataloader.dataset'


def _supervised(percent, name='sup', title='supervised', config='configs/benchmark/sup.py'):
    return dict(
        name=f'{name}_{percent}',
        title=f'{title}, {percent} % labelled',
        config=config,
        cfg_options={f'{_dataset}.labelled_fraction': percent / 100, f'{_dataset}.only_labelled': True},
        baseline=f'sup_{percent}',
    )


def _distilled(percent):
    return dict(
        name=f'ckd_vrkd_{percent}',
        title=f'CKD + VRKD, {percent} % labelled, beside as many others',
        config='configs/benchmark/few_labels.py',
        cfg_options={f'{_dataset}.datasets.{i}.labelled_fraction': percent / 100 for i in (0, 1)},
        baseline=f'sup_{percent}',
    )


baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    # Their runs are those of the main suite.
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py', suite='main'),
    dict(name='ckd_vrkd', title='CKD + VRKD', config='configs/benchmark/ckd_vrkd.py', suite='main'),
    *[arm for percent in (30, 10, 3) for arm in (_supervised(percent), _distilled(percent))],
    # What is due to steps, and to unlabelled frames.
    _supervised(10, 'sup_2x', 'supervised, twice the steps', 'configs/benchmark/sup_2x.py'),
    _supervised(10, 'ckd_vrkd_only', 'CKD + VRKD on labelled frames alone', 'configs/benchmark/ckd_vrkd.py'),
]
