"""Loss weights and learning rate, chosen on the validation split: one seed, no number of it is reported."""

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
]
