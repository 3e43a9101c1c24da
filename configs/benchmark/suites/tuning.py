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
            name=f'{name}_{weight:g}',
            title=f'{name.upper()}, weight {weight:g}',
            config=f'configs/benchmark/{name}.py',
            cfg_options={'model.distillers.0.loss_weight': weight, _rate: 2e-3},
        )
        for name, weights in (('ckd', (0.3, 1.0, 3.0)), ('vrkd', (0.03, 0.1, 0.3)))
        for weight in weights
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
