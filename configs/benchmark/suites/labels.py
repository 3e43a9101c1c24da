"""Fewer labelled frames: LiDAR for 100, 30 and 10 % of the training frames, and the teacher for all of them.

The twin of a distilled arm trains on the same labelled frames alone, in as many steps.
"""

_dataset = 'train_dataloader.dataset'


def _arms(percent):
    labels = {f'{_dataset}.labelled_fraction': percent / 100}
    return [
        dict(
            name=f'sup_{percent}',
            title=f'supervised, {percent} % labelled',
            config='configs/benchmark/sup.py',
            cfg_options={**labels, f'{_dataset}.only_labelled': True},
            baseline=f'sup_{percent}',
        ),
        dict(
            name=f'ckd_vrkd_{percent}',
            title=f'CKD + VRKD, {percent} % labelled',
            config='configs/benchmark/ckd_vrkd.py',
            cfg_options=labels,
            baseline=f'sup_{percent}',
        ),
    ]


baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    # Their runs are those of the main suite.
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py', suite='main'),
    dict(name='ckd_vrkd', title='CKD + VRKD', config='configs/benchmark/ckd_vrkd.py', suite='main'),
    *_arms(30),
    *_arms(10),
]
