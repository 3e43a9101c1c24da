"""What a suite's table says, of records by hand."""

import pytest

from fsmde.kd_benchmark.comparison import DENSE, LIDAR, commits, compare
from fsmde.kd_benchmark.suite import Arm, Suite
from fsmde.kd_benchmark.tables import tables_of

ERRORS = ['abs_rel', 'sq_rel', 'rmse', 'rmse_log', '1-d1']


def record(error, median_error):
    """A run of one scene and camera whose errors are all alike, in metric scale and with medians scaled."""
    scaled = dict.fromkeys(ERRORS[:-1], median_error) | dict(d1=1 - median_error)
    scene = dict(errors=ERRORS, scenes=['a'], cameras=['C'], images=[[1]], means=[[[error] * 5]])
    return dict(
        steps=10,
        train_seconds=60.0,
        protocols={name: dict(overall=dict(median=scaled)) for name in (LIDAR, DENSE)},
        scenes={LIDAR: scene, DENSE: scene},
    )


def test_gains_with_and_without_scale():
    arms = {name: Arm(name, 'config.py', name, {}, (0, 1), 'sup', 'toy') for name in ('sup', 'kd')}
    suite = Suite('toy', arms, 'test')
    records = dict(
        sup={0: record(0.4, 0.2), 1: record(0.4, 0.2)},
        kd={0: record(0.3, 0.2), 1: record(0.2, 0.1)},
    )
    found = compare(suite, records)
    assert 'median_gains' in found['sup'] and not found['sup']['median_gains']
    assert found['kd']['gains'][LIDAR].mean == pytest.approx((0.25 + 0.5) / 2)
    for measure in (LIDAR, DENSE):
        assert found['kd']['median_gains'][measure].mean == pytest.approx((0.0 + 0.5) / 2)
    last = tables_of('toy', found, 'test')[-1]
    assert last.rows == [['kd', 'sup', '+25.0 ± 35.4', '+25.0 ± 35.4']]


def test_runs_without_medians_have_no_such_table():
    arms = {name: Arm(name, 'config.py', name, {}, (0,), 'sup', 'toy') for name in ('sup', 'kd')}
    plain = record(0.4, 0.2)
    plain['protocols'] = {name: dict(overall={}) for name in (LIDAR, DENSE)}
    found = compare(Suite('toy', arms, 'test'), dict(sup={0: plain}, kd={0: record(0.3, 0.2)}))
    assert found['kd']['median_gains'] == {} and len(tables_of('toy', found, 'test')) == 3


def test_the_commits_are_those_of_the_trainings():
    evaluated, trained = dict(versions=dict(git_commit='e' * 40)), dict(trained_with=dict(git_commit='t' * 40))
    assert commits(dict(kd={0: evaluated | trained})) == ['t' * 9]
    assert commits(dict(kd={0: evaluated | trained, 1: evaluated})) == ['e' * 9, 't' * 9]
