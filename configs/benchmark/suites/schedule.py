"""The supervised student from ImageNet weights alone: its learning rate and its schedule, before any method. Validation."""


def _arm(rate, epochs):
    return dict(
        name=f'lr{rate:.0e}_{epochs}'.replace('e-0', 'e-'),
        title=f'learning rate {rate:g}, {144 * epochs} steps',
        config='configs/benchmark/imagenet/sup.py',
        cfg_options={
            'optim_wrapper.optimizer.lr': rate,
            'train_cfg.max_epochs': epochs,
            'param_scheduler.1.end': epochs,
            'param_scheduler.1.T_max': epochs,
            'default_hooks.checkpoint.interval': epochs,
        },
    )


baseline = 'lr1e-3_10'
split = 'val'
seeds = [0]
arms = [_arm(1e-3, 10), _arm(2e-3, 10), _arm(4e-3, 10), _arm(2e-3, 20)]
