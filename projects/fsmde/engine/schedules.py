"""Schedules of the learning rate that do not end with the training, never end, or begin for long: said before it begins."""

from mmengine.config import Config

from fsmde.config_types import type_name

#: Schedulers that bring the learning rate down to its end, where it then stays.
FALLING = ('CosineAnnealing', 'Poly', 'OneCycle')
#: The largest share of a training that a warm-up may take without a word.
WARM_UP = 0.1


def check_schedules(cfg: Config) -> None:
    """Raise where a schedule and the length of a training do not agree.

    Raises:
        ValueError: Names the scheduler, what was found and what to set.
    """
    train = cfg.get('train_cfg') or {}
    schedulers, by_epoch = _schedulers(cfg), bool(train.get('max_epochs'))
    unit, total = ('epoch', train['max_epochs']) if by_epoch else ('iteration', train.get('max_iters'))
    ends = [_end(scheduler) for scheduler in schedulers if scheduler.get('by_epoch', True) == by_epoch]
    for place, scheduler in enumerate(schedulers):
        kind, end = type_name(scheduler), _end(scheduler)
        where = f'param_scheduler[{place}] ({kind})'
        factor, begin = scheduler.get('start_factor', scheduler.get('factor', 1 / 3)), scheduler.get('begin', 0)
        one_step = end - begin == 1 and not scheduler.get('convert_to_iter_based')
        if kind.startswith(('Linear', 'Constant')) and one_step and factor < 1:
            raise ValueError(
                f'{where} has one step (begin={begin}, end={end}), which is its first and never its '
                f'last: the learning rate would stay at {factor:.3g} of its own. Set end={begin + 2} or more, or leave it out'
            )
        steps = min(total or float('inf'), end) - begin
        late = [step for step in scheduler.get('milestones', ()) if step >= steps]
        if late and scheduler.get('by_epoch', True) == by_epoch:
            raise ValueError(
                f'{where} has {steps} {unit}s (begin={begin}) and never reaches milestones={late}: the learning rate would '
                f'stay high. Scale milestones={list(scheduler["milestones"])} to the length of the training'
            )
        if not total or not kind.startswith(FALLING):
            continue
        if scheduler.get('by_epoch', True) != by_epoch:
            if by_epoch:
                continue
            raise ValueError(
                f'{where} counts epochs and train_cfg.max_iters={total} iterations, so that nobody sees whether they end '
                f'together: set by_epoch=False, end={total} (and T_max), without convert_to_iter_based'
            )
        last = min(total, scheduler.get('end', total))
        if end < last:
            raise ValueError(
                f'{where} falls until {unit} {end} (T_max) and climbs again until {unit} {last}: set '
                f'T_max={last - scheduler.get("begin", 0)}, or end={end} and another scheduler behind it'
            )
        if end < total and end >= max(ends):
            raise ValueError(
                f'{where} ends after {unit} {end} of train_cfg.max_{unit.replace("ation", "")}s={total}: the learning '
                f'rate would stay at its end. Set end={total} (and T_max), or put '
                f"dict(type='ConstantLR', factor=1.0, begin={end}, end={total}) behind it if that is meant"
            )


def long_warm_ups(cfg: Config, iterations: int) -> list:
    """What is to be said of warm-ups in iterations that take more than :data:`WARM_UP` of a training's ``iterations``."""
    said = []
    for place, scheduler in enumerate(_schedulers(cfg)):
        rises = scheduler.get('start_factor', 1 / 3) < scheduler.get('end_factor', 1)
        if scheduler.get('by_epoch', True) or not type_name(scheduler).startswith('Linear') or not rises:
            continue
        # Of one step it would never end.
        begin, most = scheduler.get('begin', 0), max(2, int(WARM_UP * iterations))
        steps = scheduler.get('end', float('inf')) - begin
        if steps > most:
            said.append(
                f'param_scheduler[{place}] ({type_name(scheduler)}) warms up for {steps} of the {iterations} iterations of '
                'this training, and the learning rate is low for as long: --cfg-options '
                f'param_scheduler.{place}.end={begin + most} makes it {most / iterations:.0%}'
            )
    return said


def _schedulers(cfg):
    schedulers = cfg.get('param_scheduler')
    return schedulers if isinstance(schedulers, (list, tuple)) else [schedulers] if schedulers else []


def _end(scheduler):
    """Where a scheduler has done its work: a cosine that goes on beyond T_max climbs."""
    end = scheduler.get('end', float('inf'))
    return min(end, scheduler.get('begin', 0) + scheduler['T_max']) if 'T_max' in scheduler else end
