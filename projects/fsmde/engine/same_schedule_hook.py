"""A resumed run goes on with the schedule and the optimizer that it began with."""

from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook

#: What of a state changes while a run goes on, or follows from the learning rate.
PROGRESS = ('last_step', '_global_step', '_last_value', 'base_values', 'verbose', 'params', 'lr', 'momentum', 'betas')


@HOOKS.register_module()
class SameScheduleHook(Hook):
    """Refuse to resume a run with other schedulers or another optimizer than its checkpoint's.

    mmengine restores both as they were, settings included: what the config now says has no effect, and a run that is made
    longer stays at the learning rate of its end. ``tools/train.py`` registers the hook where it resumes.
    """

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Raise a ValueError that names what differs."""
        differences = compared(
            'param_scheduler', checkpoint.get('param_schedulers'), states_of(runner.param_schedulers)
        )
        old = (checkpoint.get('optimizer') or {}).get('param_groups')
        differences += compared('optimizer group', old, getattr(runner.optim_wrapper, 'param_groups', None))
        if differences:
            raise ValueError(
                f'the checkpoint is of a run with other settings, which would stay in force: {"; ".join(differences[:6])} '
                '(schedules in iterations: they follow from the numbers of frames and processes, too). A longer run would '
                'stay at the learning rate of its end. Resume with the old settings, or begin a new run with these '
                'weights: --cfg-options load_from=CHECKPOINT and another --work-dir'
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
