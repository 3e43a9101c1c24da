"""check_gpu.py: every line of it runs without a GPU, what fails is named, and on a GPU each check is a test."""

import warnings
from types import SimpleNamespace

import pytest
import torch
from processes import TOOLS, load_tool, run_tool

from fsmde.gpu_checks import CHECKS, Setting, check, markdown, run_check
from fsmde.gpu_checks.check import Finding, NotHereError, Outcome
from fsmde.gpu_checks.speed import waits_on_a_gpu

pytest.importorskip('embreex')


def test_dry_run(tmp_path):
    """Every check at toy size on the CPU, two ranks by gloo among them."""
    pytest.importorskip('onnxscript')
    code, printed = run_tool('dev/check_gpu.py', '--dry-run', '--folder', tmp_path / 'out', log=tmp_path / 'log')
    assert code == 0, printed[-3000:]
    report = (tmp_path / 'out' / 'report.md').read_text()
    rows = [line.split(' | ')[:2] for line in report.splitlines() if line.startswith('| ') and '(`' in line]
    assert [name.split('`')[1] for name, _ in rows] == list(CHECKS)
    assert {result for _, result in rows} == {'passed'} and f'No check of {len(CHECKS)} failed.' in report
    # CPU against CPU: the same numbers.
    assert '| float32: gradient, its distance over its length | 0 |' in report
    assert '- item: `optim/optimizer/optimizer_wrapper.py:' in report and '| backward |' in report
    assert 'fsmde_kd_ddad, inference, float16' in report


def test_what_fails_is_named_and_stops_nothing(monkeypatch):
    monkeypatch.setattr(check, 'CHECKS', {})

    @check.check('Too far', 'A reason.')
    def too_far(setting):
        yield Finding('difference', 0.5, 0.1)
        yield Finding('nothing is asked', 3.0)

    @check.check('Not a number', '')
    def not_a_number(setting):
        yield Finding('difference', float('nan'), 0.1)

    @check.check('Broken', '')
    def broken(setting):
        yield Finding('before', 0.0, 0.0)
        raise RuntimeError('out of memory')

    @check.check('Elsewhere', '')
    def elsewhere(setting):
        raise NotHereError('there is one GPU')
        yield

    outcomes = [run_check(name, None) for name in check.CHECKS]
    assert [outcome.result for outcome in outcomes] == ['FAILED', 'FAILED', 'FAILED', 'skipped']
    report = markdown(outcomes, 'a GPU', False)
    assert '**3 of 4 checks failed: too_far, not_a_number, broken.**' in report
    assert '| difference | 0.5 **FAILED** | 0.1 |' in report and '| nothing is asked | 3 |  |' in report
    assert 'RuntimeError: out of memory' in report and 'Skipped: there is one GPU.' in report


def test_exit_codes(tmp_path, monkeypatch, capsys):
    tool = load_tool('dev/check_gpu.py')
    assert (TOOLS / 'dev/check_gpu.py').exists()
    monkeypatch.setattr(tool, 'Setting', lambda *args: SimpleNamespace(gpu=False))
    monkeypatch.setattr('sys.argv', ['check_gpu.py', '--dry-run', '--only', 'resume', '--folder', str(tmp_path)])
    monkeypatch.setattr(tool, 'run_check', lambda name, setting: Outcome(name, 'Resume', '', error='broken'))
    with pytest.raises(SystemExit) as end:
        tool.main()
    assert end.value.code == 1 and 'checks failed: resume' in (tmp_path / 'report.md').read_text()
    monkeypatch.setattr(tool, 'run_check', lambda name, setting: Outcome(name, 'Resume', ''))
    tool.main()
    monkeypatch.setattr('sys.argv', ['check_gpu.py'])
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(SystemExit, match='torch finds no GPU here. --dry-run'):
        tool.main()


def test_waits_that_torch_tells_of(monkeypatch):
    modes = []
    monkeypatch.setattr(torch.cuda, 'set_sync_debug_mode', modes.append)

    def step():
        assert modes == ['warn']
        warnings.warn('Synchronization debug mode ... does not yet detect all synchronizing operations', stacklevel=1)
        for _ in range(2):
            warnings.warn('called a synchronizing CUDA operation (Triggered internally)', stacklevel=1)

    waits = waits_on_a_gpu(step)
    assert len(waits) == 2 and 'test_check_gpu.py:' in waits[0][1] and modes == ['warn', 'default']


@pytest.fixture(scope='module')
def gpu(tmp_path_factory):
    return Setting(tmp_path_factory.mktemp('gpu'), TOOLS, 'cuda', False)


@pytest.mark.gpu
@pytest.mark.parametrize('name', CHECKS)
def test_on_a_gpu(gpu, name):
    outcome = run_check(name, gpu)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert not outcome.failed, markdown([outcome], torch.cuda.get_device_name(), False)
