"""Learning rate, loss weights and CKD's reading, chosen on the validation split: one seed, no reported number.

All at a learning rate of 2e-3, before the best of three was taken.
"""

_rate = 'optim_wrapper.optimizer.lr'
_kd = 'configs/benchmark/mini_teacher.py'

baseline = 'sup'
split = 'val'
seeds = [0]
arms = [
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py', cfg_options={_rate: 2e-3}),
    *[
        dict(
            name=f'sup_lr{rate:g}',
            title=f'supervised, learning rate {rate:g}',
            config='configs/benchmark/sup.py',
            cfg_options={_rate: rate},
        )
        for rate in (1e-3, 4e-3)
    ],
    *[
        dict(
            name=f'ckd_{weight:g}',
            title=f'CKD, weight {weight:g}',
            config='configs/benchmark/ckd.py',
            cfg_options={'model.distillers.0.loss_weight': weight, _rate: 2e-3},
        )
        for weight in (0.3, 1.0, 3.0)
    ],
    *[
        dict(
            name=f'vrkd_{pairs}_{weight:g}',
            title=f"VRKD, pairs '{pairs}', weight {weight:g}",
            config='configs/benchmark/vrkd_geometric.py',
            cfg_options={'model.distillers.0.pairs': pairs, 'model.distillers.0.loss_weight': weight, _rate: 2e-3},
        )
        for pairs, weight in (('all', 0.065), ('wedge', 0.065))
    ],
    dict(
        name='ckd_branch',
        title="CKD 'branch'",
        config=_kd,
        cfg_options={'model.distillers': [dict(type='CrossInteractionKD', probabilities='branch')], _rate: 2e-3},
    ),
    dict(
        name='ckd_no_local',
        title='CKD, weight 1, without the correction near LiDAR',
        config=_kd,
        cfg_options={
            'model.distillers': [dict(type='CrossInteractionKD', probabilities='aligned', local=False)],
            _rate: 2e-3,
        },
    ),
]
