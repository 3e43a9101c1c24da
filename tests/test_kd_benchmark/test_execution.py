import multiprocessing
import time

import pytest

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


def test_finished_runs_are_not_repeated(tmp_path):
    run = BrokenRun(ARM, 0, out=tmp_path / 'out', work_root=tmp_path / 'work')
    run.record_path.parent.mkdir(parents=True)
    run.record_path.write_text('{}')
    lines = []
    assert execute([run], say=lines.append) == []
    assert lines == ['1 of 1 runs are there already, 0 to do']
