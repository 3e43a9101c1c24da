"""What tools/train.py makes of work directories: which checkpoint, whose folder, from where."""

import sys
from functools import partial

import pytest
import torch
from processes import load_tool, run_tool
from toy_run import STUDENT, toy_config

from fsmde.concurrency import LOCK, only_one
from fsmde.engine import running
from toy_dgp import write_toy_dgp


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """A config of one epoch of three frames."""
    folder = tmp_path_factory.mktemp('train')
    toy_config(write_toy_dgp(folder / 'toy'), STUDENT, max_epochs=1).dump(folder / 'one [epoch].py')
    return folder / 'one [epoch].py'


@pytest.fixture
def refused(config, monkeypatch, capsys):
    """The message with which the tool refuses a command, in this process: it comes before anything is built."""
    tool = load_tool('train.py')
    monkeypatch.setattr(running, 'only_one', partial(only_one, patience=0))
    monkeypatch.setattr(running.Runner, 'from_cfg', lambda cfg: pytest.fail('nothing may be built'))
    monkeypatch.setattr(running, 'setup_distribution', lambda *_: None)

    def run(*options):
        monkeypatch.setattr(sys, 'argv', ['train.py', str(config), *map(str, options)])
        with pytest.raises((SystemExit, ValueError)) as caught:
            tool.main()
        return f'{caught.value} {capsys.readouterr().err}'

    return run


def test_work_directories_with_brackets_are_found_and_not_overwritten(config, tmp_path, refused):
    """And a longer run with another schedule is refused; the same one goes on, and has nothing to do."""
    work, log = tmp_path / 'run [a]*', tmp_path / 'log'
    code, said = run_tool('train.py', config, '--work-dir', work, '--resume', 'auto', log=log)
    assert code == 0 and 'nothing to resume, training begins' in said, said
    assert 'holds checkpoints of an earlier run: go on with --resume' in refused('--work-dir', work)
    longer = '--cfg-options', 'train_cfg.max_epochs=2', 'param_scheduler.1.T_max=2', 'param_scheduler.1.end=2'
    code, said = run_tool('train.py', config, '--work-dir', work, '--resume', *longer, log=log)
    assert code == 1 and 'T_max was 3, is 6' in said and 'stay at the learning rate of its end' in said, said
    assert [path.name for path in work.glob('*.pth')] == ['epoch_1.pth']
    code, said = run_tool('train.py', config, '--work-dir', work, '--resume', log=log)
    assert code == 0 and 'resumed epoch: 1' in said, said


def test_a_misspelt_work_directory(tmp_path, refused):
    (tmp_path / 'fsmde_kd').mkdir()
    (tmp_path / 'fsmde_kd/epoch_3.pth').touch()
    assert 'fsmde_dk is not there; did you mean' in refused('--work-dir', tmp_path / 'fsmde_dk', '--resume')
    assert not (tmp_path / 'fsmde_dk').exists()


def test_weights_without_an_epoch(tmp_path, refused):
    torch.save(dict(state_dict={}), tmp_path / 'published.pth')
    said = refused('--work-dir', tmp_path / 'work', '--resume', tmp_path / 'published.pth')
    assert 'published.pth has no epoch, iter, message_hub, optimizer: it holds weights and no state of a run' in said


def test_two_trainings_in_one_folder(tmp_path, refused):
    with only_one(str(tmp_path / LOCK), 'the first'):
        assert f'another training is at work in {tmp_path}' in refused('--work-dir', tmp_path)


@pytest.mark.parametrize('option', ['--data-root', '--work-dir', '--resume'])
def test_options_of_unset_variables(tmp_path, refused, option):
    assert f'{option[2:].replace("-", "_")} is empty: is the variable set' in refused(option, '')


def test_settings_of_a_config_that_do_not_agree(tmp_path, refused):
    assert 'train_cfg.val_interval must be' in refused('--cfg-options', 'train_cfg.val_interval=0')


@pytest.mark.parametrize(
    'options, name, expected',
    [
        (['--amp'], 'amp', True),
        (['--amp-dtype', 'bfloat16'], 'amp_dtype', 'bfloat16'),
        (['--data-root', 'DDAD'], 'data_root', ['DDAD']),
        (['--data-root', 'a=A', '--data-root', 'b=B'], 'data_root', ['a=A', 'b=B']),
    ],
)
def test_options_before_the_config(monkeypatch, options, name, expected):
    """And behind it they are the same; test.py has the roots too."""
    for tool, files in ('train.py', ['a.py']), ('test.py', ['a.py', 'b.pth']):
        for arguments in (options + files, files + options) if tool == 'train.py' or name == 'data_root' else ():
            monkeypatch.setattr(sys, 'argv', [tool, *arguments])
            args = load_tool(tool).parse_args()
            assert (args.config, getattr(args, name)) == ('a.py', expected)
