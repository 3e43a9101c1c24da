"""What limits the students: five times the steps, dense ground truth, and weights to start from. Validation split."""

_rate = {'optim_wrapper.optimizer.lr': 2e-3}
_longer = {
    **_rate,
    'train_cfg.max_epochs': 15,
    'param_scheduler.1.end': 15,
    'param_scheduler.1.T_max': 15,
    'default_hooks.checkpoint.interval': 15,
}
_pretrained = {
    'load_from': 'work_dirs/benchmark/pretrained/epoch_8.pth',
    # Half the rate: nothing has to be learned from nothing.
    'optim_wrapper.optimizer.lr': 1e-3,
}


def _arms(name, title, cfg_options):
    kinds = dict(sup='supervised', ckd='CKD', ckd_vrkd='CKD + VRKD', dense='dense ground truth')
    return [
        dict(
            name=f'{kind}_{name}',
            title=f'{words}, {title}',
            config=f'configs/benchmark/{kind}.py',
            cfg_options=cfg_options,
            baseline=f'sup_{name}',
        )
        for kind, words in kinds.items()
    ]


baseline = 'sup_1x'
split = 'val'
seeds = [0]
arms = [
    *_arms('1x', '432 steps', _rate),
    *_arms('5x', '2160 steps', _longer),
    *_arms('pretrained', '432 steps from pretrained weights', _pretrained),
]
