"""Checkpoints survive kills and full disks."""

import os
import resource
import signal

import pytest
from processes import start, wait_for

from fsmde.engine import AtomicBackend, AtomicCheckpointHook, find_latest_checkpoint


def save_and_die(path):
    os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
    AtomicBackend().put(b'new' * 100_000, path)


def test_a_kill_while_saving_leaves_the_old_file(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    AtomicBackend().put(b'old', path)
    process = start(save_and_die, path, log=tmp_path / 'log')
    wait_for(process)
    assert process.exitcode == -signal.SIGKILL
    assert path.read_bytes() == b'old'
    assert len(list(tmp_path.glob('epoch_1.pth.*.tmp'))) == 1
    assert find_latest_checkpoint(tmp_path) == str(path)


def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def save_limited(path):
    limit_files(2**19)  # The traceback in the log must still fit.
    AtomicBackend().put(b'x' * 2**20, path)


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path):
    log = tmp_path / 'log'
    folder = tmp_path / 'work'
    process = start(save_limited, folder / 'epoch_1.pth', log=log)
    wait_for(process)
    assert process.exitcode == 1
    assert f'cannot write {folder}/epoch_1.pth (1 MiB): File too large' in log.read_text()
    assert not list(folder.iterdir())


class Runner:
    """What the hook asks of mmengine's."""

    def __init__(self, folder, logger):
        self.folder, self.epoch, self.iter, self.work_dir, self.logger = folder, 0, 0, str(folder), logger
        self.message_hub = self
        self.runtime_info = {}
        self.seen = []

    def update_info(self, key, value):
        self.runtime_info[key] = value

    def get_info(self, key):
        return self.runtime_info[key]

    def save_checkpoint(self, out_dir, filename, *args, **kwargs):
        self.seen.append(sorted(path.name for path in self.folder.glob('best*')))
        (self.folder / filename).write_bytes(b'weights')


def test_the_best_checkpoint_is_there_until_a_better_one_is_written(tmp_path):
    from mmengine.logging import MMLogger

    runner = Runner(tmp_path, MMLogger.get_current_instance())
    hook = AtomicCheckpointHook(save_best='depth/abs_rel', rule='less')
    hook.before_train(runner)
    for epoch, error in enumerate((0.3, 0.4, 0.2), 1):
        runner.epoch = epoch
        hook.after_val_epoch(runner, {'depth/abs_rel': error})
    first, third = 'best_depth_abs_rel_epoch_1.pth', 'best_depth_abs_rel_epoch_3.pth'
    assert runner.seen == [[], [first]]
    assert [path.name for path in tmp_path.glob('best*')] == [third]
    assert runner.runtime_info['best_ckpt'].endswith(third) and runner.runtime_info['best_score'] == 0.2


@pytest.mark.parametrize('kwargs', [dict(max_keep_ckpts=1), dict(save_best=['a', 'b'])])
def test_options_that_could_lose_a_checkpoint(kwargs):
    with pytest.raises(ValueError, match='found'):
        AtomicCheckpointHook(**kwargs)
