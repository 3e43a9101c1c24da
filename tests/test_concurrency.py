"""One owner a folder, and children that end with their parent, however it ends."""

import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.connection import wait

import pytest
from processes import start

from fsmde.concurrency import LOCK, BusyError, empty, end_with_parent, only_one, start_tied


def test_a_folder_has_one_owner(tmp_path):
    lock = str(tmp_path / 'run [1]' / LOCK)
    with only_one(lock, 'another training'):
        with pytest.raises(BusyError, match=r'another training is at work in .*run \[1\]'):
            with only_one(lock, 'another training', patience=0):
                pass
    with only_one(lock, 'another training', patience=0):
        pass


def hold(lock, reached):
    with only_one(lock, 'a child'):
        reached.touch()
        time.sleep(3600)


def until(condition):
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_killed_owner_holds_nothing(tmp_path):
    lock, reached = str(tmp_path / LOCK), tmp_path / 'reached'
    process = start(hold, lock, reached, log=tmp_path / 'log')
    until(reached.exists)
    with pytest.raises(BusyError), only_one(lock, 'a child', patience=0):
        pass
    process.kill()
    process.join(500)
    with only_one(lock, 'a child'):
        pass


def parent_of(pipe):
    child = multiprocessing.get_context('spawn').Process(target=orphan, args=(pipe,))
    child.start()
    time.sleep(3600)


def orphan(pipe):
    end_with_parent()
    pipe.send(os.getpid())
    time.sleep(3600)


def test_a_child_ends_when_its_parent_is_killed(tmp_path):
    """Both hold the pipe's end: it closes when the last of them is gone."""
    mine, theirs = multiprocessing.Pipe(duplex=False)
    parent = start(parent_of, theirs, log=tmp_path / 'log')
    theirs.close()
    assert wait([mine], 300), (tmp_path / 'log').read_text()
    child = mine.recv()
    os.kill(parent.pid, signal.SIGKILL)
    parent.join(500)
    assert wait([mine], 300)
    with pytest.raises(EOFError):
        mine.recv()
    assert child != parent.pid


def parent_of_a_command(pipe):
    tied = start_tied([sys.executable, '-c', 'import time; time.sleep(3600)'], pass_fds=[pipe.fileno()])
    pipe.send(tied.pid)
    tied.wait()


@pytest.mark.skipif(sys.platform != 'linux', reason='a signal of Linux')
def test_a_command_ends_when_its_parent_is_killed(tmp_path):
    """As the steps of the demo do. The pipe closes when the last of them is gone."""
    mine, theirs = multiprocessing.Pipe(duplex=False)
    parent = start(parent_of_a_command, theirs, log=tmp_path / 'log')
    theirs.close()
    assert wait([mine], 300), (tmp_path / 'log').read_text()
    assert mine.recv() != parent.pid
    os.kill(parent.pid, signal.SIGKILL)
    parent.join(500)
    assert wait([mine], 300)
    with pytest.raises(EOFError):
        mine.recv()


def test_what_is_emptied_keeps_its_lock_and_what_links_lead_to(tmp_path):
    work, other = tmp_path / 'work', tmp_path / 'other'
    (work / 'vis_data').mkdir(parents=True)
    other.mkdir()
    (other / 'kept').touch()
    (work / LOCK).touch()
    (work / 'epoch_1.pth').touch()
    (work / 'link').symlink_to(other)
    empty(str(work))
    empty(str(tmp_path / 'absent'))
    assert [path.name for path in work.iterdir()] == [LOCK] and (other / 'kept').exists()
