import multiprocessing
import time

import pytest
from processes import start

from fsmde.concurrency import LOCK, only_one
from fsmde.kd_benchmark import Arm, Run, execute

ARM = Arm('toy', 'toy.py', 'toy', {}, (0,), 'toy', 'suite')


class BrokenRun(Run):
    def read_config(self):
        raise ValueError('the loss is broken')


class EndlessRun(Run):
    def read_config(self):
        time.sleep(600)


def test_a_failing_run_is_shown_and_ctrl_c_ends_the_others(tmp_path):
    folders = dict(out=tmp_path / 'out', work_root=tmp_path / 'work')
    lines = []

    def say(line):
        lines.append(line)
        if 'FAILED' in line:
            raise KeyboardInterrupt

    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt):
        execute([EndlessRun(ARM, 1, **folders), BrokenRun(ARM, 0, **folders)], jobs=2, say=say)
    assert set(multiprocessing.active_children()) <= before
    assert '[1/2] suite/toy seed 0: FAILED (exit code 1)' in lines[-1] and 'the loss is broken' in lines[-1]
    assert (tmp_path / 'work/suite/toy/seed0.log').is_file()


def test_a_run_that_ends_before_it_has_a_log_does_not_end_the_others(tmp_path):
    (tmp_path / 'work').touch()  # Where it would lock its folder.
    folders = dict(out=tmp_path / 'out', work_root=tmp_path / 'work')
    runs, lines = [BrokenRun(ARM, seed, **folders) for seed in (0, 1)], []
    assert execute(runs, say=lines.append) == runs
    assert 'ended before it had a log' in lines[-1]


def test_finished_runs_are_not_repeated(tmp_path):
    run = BrokenRun(ARM, 0, out=tmp_path / 'out', work_root=tmp_path / 'work')
    run.record_path.parent.mkdir(parents=True)
    run.record_path.write_text('{}')
    lines = []
    assert execute([run], say=lines.append) == []
    assert lines == ['1 of 1 runs are there already, 0 to do']


class HeldRun(Run):
    def read_config(self):
        (self.work_dir / 'half_trained.pth').touch()
        time.sleep(3600)


def test_runs_end_with_a_killed_benchmark_and_are_not_touched_by_a_second(tmp_path):
    run = HeldRun(ARM, 0, out=tmp_path / 'out', work_root=tmp_path / 'work')
    parent = start(execute, [run], log=tmp_path / 'log')
    half_trained, end = run.work_dir / 'half_trained.pth', time.monotonic() + 300
    while not half_trained.exists():
        assert time.monotonic() < end, (tmp_path / 'log').read_text()
        time.sleep(0.05)
    lines = []
    assert execute([run], say=lines.append) == [run]
    assert f'FAILED: another training is at work in {run.work_dir}: let it finish' in lines[-1]
    assert half_trained.exists()
    parent.kill()
    parent.join(500)
    # The lock is free when the training is gone.
    with only_one(str(run.work_dir / LOCK), 'an orphan', patience=300):
        assert half_trained.exists()
