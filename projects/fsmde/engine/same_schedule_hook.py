"""A resumed run goes on with the schedule, the optimizer, the precision and the average that it began with."""

from mmdet3d.registry import HOOKS
from mmengine.hooks import EMAHook, Hook

#: What of a state changes while a run goes on, or follows from the learning rate.
PROGRESS = ('last_step', '_global_step', '_last_value', 'base_values', 'verbose', 'params', 'lr', 'momentum', 'betas')
#: What to do otherwise.
ANEW = 'Or begin a new run with these weights: --cfg-options load_from=CHECKPOINT and another --work-dir'


@HOOKS.register_module()
class SameScheduleHook(Hook):
    """Refuse to resume a run with other schedulers or another optimizer than its checkpoint's, or without what it has.

    mmengine restores both as they were, settings included: what the config now says has no effect, and a run that is made
    longer stays at the learning rate of its end. It drops without a word what nothing goes on with: the loss scale of mixed
    precision, and the last weights where averages were saved in their place. Both may begin with a resumption, as they do
    with a run. ``tools/train.py`` registers the hook where it resumes.
    """

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Raise a ValueError that names what differs or would be dropped."""
        dropped = []
        if 'loss_scaler' in (checkpoint.get('optimizer') or {}) and not hasattr(runner.optim_wrapper, 'loss_scaler'):
            dropped.append('was trained in mixed precision: resume with --amp, or --amp-dtype, as it began')
        if 'ema_state_dict' in checkpoint and not any(isinstance(hook, EMAHook) for hook in runner.hooks):
            dropped.append(
                "has averaged weights in the place of the last ones, to which the optimizer's state belongs: resume with "
                'the EMAHook of its config in custom_hooks'
            )
        if dropped:
            raise ValueError(f'the checkpoint {"; it ".join(dropped)}. {ANEW}')
        differences = compared(
            'param_scheduler', checkpoint.get('param_schedulers'), states_of(runner.param_schedulers)
        )
        old = (checkpoint.get('optimizer') or {}).get('param_groups')
        differences += compared('optimizer group', old, getattr(runner.optim_wrapper, 'param_groups', None))
        if differences:
            raise ValueError(
                f'the checkpoint is of a run with other settings, which would stay in force: {"; ".join(differences[:6])} '
                '(schedules in iterations: they follow from the numbers of frames and processes, too). A longer run would '
                f'stay at the learning rate of its end. Resume with the old settings. {ANEW}'
            )


def states_of(schedulers):
    """State dicts of schedulers, by the names of optimizers if there are several."""
    if isinstance(schedulers, dict):
        return {name: states_of(some) for name, some in schedulers.items()}
    return [scheduler.state_dict() for scheduler in schedulers or ()]


def compared(what: str, old, new) -> list:
    """What is said differently in two lists of dicts, or dicts of such lists; nothing where one is absent."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for name in sorted(old.keys() & new.keys())
            for line in compared(f'{what} {name}', old[name], new[name])
        ]
    if not isinstance(old, (list, tuple)) or not isinstance(new, (list, tuple)):
        return []
    if len(old) != len(new):
        return [f'there were {len(old)} of {what}, now {len(new)}']
    return [
        f'{what} {place}: {key} was {theirs[key]}, is {ours[key]}'
        for place, (theirs, ours) in enumerate(zip(old, new))
        for key in sorted(theirs.keys() & ours.keys())
        if key not in PROGRESS and not callable(theirs[key]) and theirs[key] != ours[key]
    ]
