"""Which form of distillation gains from a perfect relative teacher: half of the schedule, validation split, one seed."""

_half = {
    'train_cfg.max_epochs': 5,
    'param_scheduler.1.end': 5,
    'param_scheduler.1.T_max': 5,
    'default_hooks.checkpoint.interval': 5,
}
_pipeline = 'train_dataloader.dataset.pipeline'


def _arm(name, title, *distillers, config='oracle', **options):
    if distillers:
        options['model.distillers'] = list(distillers)
    return dict(
        name=name, title=title, config=f'configs/benchmark/imagenet/{config}.py', cfg_options={**_half, **options}
    )


_ckd = dict(type='CrossInteractionKD', probabilities='aligned')
_steps = dict(depth_weight=0.0, gradient_weight=0.5)

baseline = 'sup'
split = 'val'
seeds = [0]
arms = [
    _arm('sup', 'supervised', config='sup'),
    # What can be won where LiDAR judges: no teacher knows more there than LiDAR does.
    _arm('points', 'bound: all LiDAR points', config='sup', **{f'{_pipeline}.2.fraction': 1.0}),
    _arm('dense', 'bound: dense ground truth', config='dense'),
    _arm('ckd', 'CKD', _ckd),
    _arm('depth_gradient', 'aligned depth and gradients', dict(type='AlignedDepthKD')),
    _arm('ckd_sky', 'CKD, sky and all', dict(_ckd, sky=True)),
    _arm('gradient_sky', 'gradients of aligned depth, sky and all', dict(type='AlignedDepthKD', **_steps, sky=True)),
    _arm('depth_gradient_sky', 'aligned depth and gradients, sky and all', dict(type='AlignedDepthKD', sky=True)),
]
