from pathlib import Path

import pytest
from mmdet3d.registry import MODELS

from fsmde.bins import DepthBins
from fsmde.kd_benchmark import Run, read_suite
from fsmde.kd_benchmark.fingerprint import differences, fingerprint
from fsmde.kd_benchmark.record import read_record

ROOT = Path(__file__).parents[2]
SUITES = sorted((ROOT / 'configs/benchmark/suites').glob('*.py'))


@pytest.mark.parametrize('path', SUITES, ids=lambda path: path.stem)
def test_shipped_suites(path):
    suite = read_suite(path)
    assert all((ROOT / arm.config).is_file() for arm in suite.arms.values())
    # No number by which settings are chosen is reported.
    choices = 'tuning', 'regime', 'weights', 'schedule', 'forms', 'imagenet_weights', 'demo'
    assert suite.split == ('val' if suite.name in choices else 'test')
    for arm in suite.arms.values():
        model = Run(arm, seed=0).read_config().model
        for distiller in model.get('distillers', []):
            MODELS.build(dict(distiller, bins=DepthBins(), student_channels=8, teacher_channels=8))


@pytest.mark.parametrize('path', SUITES, ids=lambda path: path.stem)
def test_shipped_records_may_stand_beside_runs_of_today(path):
    """What a config says of a run has not changed since its record, or their tables could not be made again."""
    for arm in read_suite(path).arms.values():
        records = sorted((ROOT / 'docs/benchmark' / arm.suite / arm.name).glob('seed*.json'))
        if records:
            known_by = fingerprint(Run(arm, seed=0).read_config())
            assert all(differences(read_record(record)['fingerprint'], known_by) == [] for record in records), arm.name


@pytest.mark.parametrize(
    'content, message',
    [
        ("arms = [dict(name='a', config='a.py')]\n", "the suite lacks ['baseline']"),
        ("baseline = 'a'\nseed = 1\narms = [dict(name='a', config='a.py')]\n", "unknown keys ['seed']"),
        ("baseline = 'a'\narms = [dict(name='a')]\n", "a lacks ['config']"),
        ("baseline = 'b'\narms = [dict(name='a', config='a.py')]\n", "'b' of 'a' is no arm"),
        ("baseline = 'a'\narms = [dict(name='a', config='a.py')] * 2\n", "two arms are called 'a'"),
        ("baseline = 'a'\narms = [dict(name='a/b', config='a.py')]\n", 'is to be a folder'),
    ],
)
def test_mistakes_are_named(tmp_path, content, message):
    path = tmp_path / 'toy.py'
    path.write_text(content)
    with pytest.raises(ValueError) as error:
        read_suite(path)
    assert message in str(error.value) and str(path) in str(error.value)
