"""Which form of distillation gains from a perfect relative teacher: half of the schedule, validation split, one seed."""

_half = {
    'train_cfg.max_epochs': 5,
    'param_scheduler.1.end': 5,
    'param_scheduler.1.T_max': 5,
    'default_hooks.checkpoint.interval': 5,
}


def _arm(name, title, *distillers, config='oracle'):
    options = {'model.distillers': list(distillers)} if distillers else {}
    return dict(
        name=name, title=title, config=f'configs/benchmark/imagenet/{config}.py', cfg_options={**_half, **options}
    )


_ckd = dict(type='CrossInteractionKD', probabilities='aligned')

baseline = 'sup'
split = 'val'
seeds = [0]
arms = [
    _arm('sup', 'supervised', config='sup'),
    _arm('ckd', 'CKD', _ckd),
    _arm('depth_gradient', 'aligned depth and gradients', dict(type='AlignedDepthKD')),
    _arm('gradient', 'gradients of aligned depth', dict(type='AlignedDepthKD', depth_weight=0.0, gradient_weight=0.5)),
    _arm('ckd_gradient', 'CKD and gradients', _ckd, dict(type='AlignedDepthKD', depth_weight=0.0)),
    _arm('dense', 'bound: dense ground truth', config='dense'),
]
