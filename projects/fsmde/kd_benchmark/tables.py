"""A suite's tables."""

import dataclasses
import math

from fsmde.evaluation.report import Table

from .comparison import DENSE, LIDAR, MEASURES
from .record import CONSISTENCY

TITLES = {'abs_rel': 'AbsRel', 'sq_rel': 'SqRel', 'rmse': 'RMSE', 'rmse_log': 'RMSElog', '1-d1': '1-δ1'}


def tables_of(name: str, arms: dict, split: str) -> list:
    """The overview, errors on each ground truth, and gains without scale.

    Args:
        name: Of the suite.
        arms: Of :func:`fsmde.kd_benchmark.comparison.compare`.
        split: That was evaluated on.
    """
    measures = [measure for measure in MEASURES if any(measure in arm['gains'] for arm in arms.values())]
    rows = []
    for arm in arms.values():
        errors = arm['errors'].get(CONSISTENCY)
        rows.append(
            [
                arm['title'],
                arms[arm['baseline']]['title'] if arm['gains'] and arm['baseline'] in arms else '',
                *[_gain(arm['gains'].get(measure)) for measure in measures],
                _with_spread(*errors['abs_rel']) if errors else '-',
                str(len(arm['seeds'])),
                ' / '.join(map(str, arm['steps'])),
                f'{arm["train_seconds"] / 60:.1f}',
            ]
        )
    header = ['', 'gain over', *[f'{MEASURES[m]} %' for m in measures]]
    note = (
        'Gains: mean over AbsRel, SqRel, RMSE, RMSElog and 1-δ1 (cross-view: AbsRel alone) of 1 - error / error of the '
        'baseline, positive is better; ± standard deviation over seeds; in brackets the 95 % interval over scenes.'
    )
    overview = Table(f'{name}, {split} split', [*header, 'cross-view AbsRel', 'seeds', 'steps', 'minutes'], rows, note)
    tables = [overview, *[_errors_table(arms, measure) for measure in (LIDAR, DENSE)]]
    return [*tables, _median_table(arms)] if any(arm['median_gains'] for arm in arms.values()) else tables


def _errors_table(arms, measure):
    rows = [
        [arm['title'], *[_with_spread(*arm['errors'][measure][error]) for error in TITLES], *_by_error(arm, measure)]
        for arm in arms.values()
        if measure in arm['errors']
    ]
    header = ['', *TITLES.values(), *[f'{title} gain %' for title in TITLES.values()]]
    return Table(f'{MEASURES[measure]} ground truth, metric scale, mean ± standard deviation over seeds', header, rows)


def _median_table(arms):
    rows = [
        [arm['title'], arms[arm['baseline']]['title'], *[_gain(arm['median_gains'].get(m)) for m in (LIDAR, DENSE)]]
        for arm in arms.values()
        if arm['median_gains'] and arm['baseline'] in arms
    ]
    header = ['', 'gain over', *[f'{MEASURES[m]} %' for m in (LIDAR, DENSE)]]
    return Table(
        "depth scaled to each view's median: gains without scale, ± standard deviation over seeds", header, rows
    )


def _by_error(arm, measure):
    gain = arm['gains'].get(measure)
    return [f'{100 * gain.by_error[error]:+.1f}' if gain and gain.seeds else '' for error in TITLES]


def _gain(gain):
    if gain is None:
        return ''
    if not gain.seeds:
        return '-'
    spread = '' if math.isnan(gain.std) else f' ± {100 * gain.std:.1f}'
    interval = '' if math.isnan(gain.low) else f' [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]'
    return f'{100 * gain.mean:+.1f}{spread}{interval}'


def _with_spread(mean, std):
    return f'{mean:.3f}' if math.isnan(std) else f'{mean:.3f} ± {std:.3f}'


def to_plain(arms: dict) -> dict:
    """What :func:`fsmde.kd_benchmark.comparison.compare` returns as plain data; unknown figures become None."""

    def plain(value):
        if dataclasses.is_dataclass(value):
            return plain(dataclasses.asdict(value))
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and math.isnan(value) else value

    return plain(arms)
