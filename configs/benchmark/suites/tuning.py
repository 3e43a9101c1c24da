"""Learning rate, loss weights and CKD's reading, chosen on the validation split: one seed, no reported number."""

_kd = 'configs/benchmark/mini_teacher.py'

baseline = 'sup'
split = 'val'
seeds = [0]
arms = [
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py'),
    *[
        dict(
            name=f'sup_lr{rate:g}',
            title=f'supervised, learning rate {rate:g}',
            config='configs/benchmark/sup.py',
            cfg_options={'optim_wrapper.optimizer.lr': rate},
        )
        for rate in (1e-3, 4e-3)
    ],
    *[
        dict(
            name=f'{name}_{weight:g}',
            title=f'{name.upper()}, weight {weight:g}',
            config=f'configs/benchmark/{name}.py',
            cfg_options={'model.distillers.0.loss_weight': weight},
        )
        for name, weights in (('ckd', (0.3, 1.0, 3.0)), ('vrkd', (0.03, 0.1, 0.3)))
        for weight in weights
    ],
    dict(
        name='ckd_branch',
        title="CKD 'branch'",
        config=_kd,
        cfg_options={'model.distillers': [dict(type='CrossInteractionKD', probabilities='branch')]},
    ),
    dict(
        name='ckd_no_local',
        title='CKD, weight 1, without the correction near LiDAR',
        config=_kd,
        cfg_options={'model.distillers': [dict(type='CrossInteractionKD', probabilities='aligned', local=False)]},
    ),
]
