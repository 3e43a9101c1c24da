"""What limits the students: steps, dense ground truth, weights to start from, the teacher. Validation split.

configs/benchmark/pretrained.py says how the weights to start from are made, suites/ablations.py the better teacher.
"""

_rate = {'optim_wrapper.optimizer.lr': 2e-3}
_longer = {
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


def _arms(name, title, cfg_options, kinds=('sup', 'ckd', 'ckd_vrkd', 'dense')):
    words = dict(sup='supervised', ckd='CKD', ckd_vrkd='CKD + VRKD', dense='dense ground truth')
    return [
        dict(
            name=f'{kind}_{name}',
            title=f'{words[kind]}, {title}',
            config=f'configs/benchmark/{kind}.py',
            cfg_options=cfg_options,
            baseline=f'sup_{name}',
        )
        for kind in kinds
    ]


# Students that start from more are better than the mini teacher.
_home = dict.fromkeys(
    ['model.teacher.cache', 'train_dataloader.dataset.pipeline.4.cache'], 'data/benchmark_teacher_answers_home'
)

baseline = 'sup_1x'
split = 'val'
seeds = [0]
arms = [
    *_arms('1x', '432 steps', _rate),
    *_arms('5x', '2160 steps', {**_rate, **_longer}),
    *_arms('pretrained', '432 steps from pretrained weights', _pretrained),
    dict(
        name='home_pretrained',
        title='CKD + VRKD, a teacher that has seen the scenes, 432 steps from pretrained weights',
        config='configs/benchmark/ckd_vrkd.py',
        cfg_options={**_pretrained, **_home},
        baseline='sup_pretrained',
    ),
    dict(
        name='light_pretrained',
        title='CKD + VRKD x 0.1, 432 steps from pretrained weights',
        config='configs/benchmark/ckd_vrkd.py',
        cfg_options={**_pretrained, 'model.distillers.1.loss_weight': 0.57},
        baseline='sup_pretrained',
    ),
    *_arms('pretrained_5x', '2160 steps from pretrained weights', {**_pretrained, **_longer}, ('sup', 'ckd_vrkd')),
]
