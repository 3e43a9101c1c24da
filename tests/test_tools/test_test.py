"""What tools/test.py refuses, in one line."""

import pytest
from processes import load_tool
from toy_run import STUDENT, toy_config


@pytest.mark.parametrize(
    'change, options, line',
    [
        (
            dict(test_evaluator=dict(type='NuScenesMetric')),
            ['--protocol', 'vfdepth'],
            'protocols .--protocol. are of a',
        ),
        ({}, ['--protocol', 'vfdpth'], "test: unknown protocol 'vfdpth'; there are fsmde, "),
        (dict(test_evaluator=None), [], r'test: .*config.py has no test_evaluator: there is nothing to evaluate'),
        ({}, [], 'test: .*weights.pth cannot be loaded as weights'),
        ({}, ['--cfg-options', 'model.max_dpth=3'], 'test: .*did you mean'),
        (
            dict(model=dict(type='BEVDepthDetector')),
            ['--flip'],
            'test: --flip is for depth .*, and BEVDepthDetector has no',
        ),
    ],
)
def test_a_mistake_is_said_in_a_line(toy_dgp, tmp_path, monkeypatch, change, options, line):
    cfg = toy_config(toy_dgp, STUDENT)
    cfg.update(change)
    cfg.dump(tmp_path / 'config.py')
    argv = [tmp_path / 'config.py', tmp_path / 'weights.pth', '--work-dir', tmp_path / 'work', *options]
    monkeypatch.setattr('sys.argv', ['test.py', *map(str, argv)])
    (tmp_path / 'weights.pth').touch()
    with pytest.raises(SystemExit, match=line):
        load_tool('test.py').main()


def test_a_checkpoint_that_is_not_there(toy_dgp, tmp_path, monkeypatch):
    toy_config(toy_dgp, STUDENT).dump(tmp_path / 'config.py')
    monkeypatch.setattr('sys.argv', ['test.py', str(tmp_path / 'config.py'), 'absent.pth'])
    with pytest.raises(SystemExit, match='test: no such file: absent.pth'):
        load_tool('test.py').main()
