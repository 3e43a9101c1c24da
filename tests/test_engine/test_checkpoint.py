"""Checkpoints survive kills and full disks."""

import os
import resource
import signal
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from processes import start, wait_for

from fsmde.engine import (
    AtomicBackend,
    AtomicCheckpointHook,
    check_resumable,
    check_student_checkpoint,
    checkpoint_to_resume,
    find_latest_checkpoint,
)
from fsmde.engine.checkpoint import check_something_fits


def save_and_die(path):
    os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
    AtomicBackend().put(b'new' * 100_000, path)


def test_a_full_disk_at_the_note_of_the_last_name(tmp_path):
    """It is written last: a few bytes behind a whole checkpoint. /dev/full stands for the disk."""
    if not os.path.exists('/dev/full'):
        pytest.skip('there is no /dev/full')
    (tmp_path / 'last_checkpoint').symlink_to('/dev/full')
    hook = AtomicCheckpointHook(interval=1)
    hook.out_dir, hook.file_backend = str(tmp_path), AtomicBackend()
    runner = SimpleNamespace(
        work_dir=str(tmp_path), message_hub=MessageHub('full'), save_checkpoint=lambda *_, **__: None
    )
    with pytest.raises(OSError, match=f'cannot write {tmp_path}/last_checkpoint: No space left on device'):
        hook._save_checkpoint_with_step(runner, 1, {})


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

    val_loop = None

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


def test_a_validation_without_ground_truth_is_said(tmp_path, logged):
    hook, runner = started_hook(tmp_path)
    hook.after_val_epoch(runner, {'depth/abs_rel': 0.3})
    hook.after_val_epoch(runner, {'depth/abs_rel': float('nan')})
    assert ['depth/abs_rel is not a number' in line for line in logged].count(True) == 1
    assert runner.runtime_info['best_score'] == 0.3


@pytest.mark.parametrize('kwargs', [dict(max_keep_ckpts=1), dict(save_best=['a', 'b'])])
def test_options_that_could_lose_a_checkpoint(kwargs):
    with pytest.raises(ValueError, match='found'):
        AtomicCheckpointHook(**kwargs)


def checkpoint(path, **content):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return path


def test_the_number_in_the_name_decides_and_not_the_time_of_the_file(tmp_path):
    work = tmp_path / 'run [a] *?'
    for number, time in ((2, 3000), (9, 2000), (11, 1000)):
        os.utime(checkpoint(work / f'epoch_{number}.pth'), (time, time))
    checkpoint(work / 'best_depth_abs_rel_epoch_30.pth')
    (work / 'epoch_40.pth.abcdefgh.tmp').touch()
    assert find_latest_checkpoint(work) == str(work / 'epoch_11.pth') == checkpoint_to_resume(str(work))
    checkpoint(work / 'iter_500.pth')
    with pytest.raises(ValueError, match='holds both epoch_.* and iter_.*: name the one to go on from'):
        find_latest_checkpoint(work)


def test_nothing_to_resume_is_an_error_that_names_what_is_called_alike(tmp_path):
    checkpoint(tmp_path / 'fsmde_kd_ddad' / 'epoch_1.pth')
    (tmp_path / 'fsmde_kd_dda').mkdir()
    with pytest.raises(FileNotFoundError, match='fsmde_kd_dad is not there; did you mean .*/fsmde_kd_ddad'):
        checkpoint_to_resume(str(tmp_path / 'fsmde_kd_dad'))
    with pytest.raises(FileNotFoundError, match=r'nothing to resume: .*/fsmde_kd_dda has no epoch_\*.pth'):
        checkpoint_to_resume(str(tmp_path / 'fsmde_kd_dda'))
    # Of what lies beside it nothing has to be in order.
    checkpoint(tmp_path / 'both' / 'epoch_1.pth')
    checkpoint(tmp_path / 'both' / 'iter_1.pth')
    with pytest.raises(FileNotFoundError, match='fsmde_kd_dad is not there; did you mean .*/fsmde_kd_ddad'):
        checkpoint_to_resume(str(tmp_path / 'fsmde_kd_dad'))


def test_weights_alone_and_weights_that_are_not_finite_cannot_be_resumed(tmp_path):
    state = dict(state_dict={'head.weight': torch.ones(2)}, message_hub={}, optimizer={})
    check_resumable(checkpoint(tmp_path / 'whole.pth', meta=dict(epoch=1, iter=4), **state))
    with pytest.raises(ValueError, match='weights.pth has no epoch, iter, message_hub, optimizer: .* load_from='):
        check_resumable(checkpoint(tmp_path / 'weights.pth', state_dict={}))
    state['state_dict'] = {'head.weight': torch.tensor([1.0, torch.nan])}
    with pytest.raises(ValueError, match='1 of its tensors are not finite, such as head.weight. Name an earlier'):
        check_resumable(checkpoint(tmp_path / 'broken.pth', meta=dict(epoch=1, iter=4), **state))


def test_distillers_are_no_part_of_a_student_inside_a_detector(tmp_path):
    detector = torch.nn.Module()
    detector.student = torch.nn.Linear(2, 2)
    state = dict(detector.state_dict(), **{'student.distillers.0.regressor.weight': torch.zeros(1)})
    check_student_checkpoint(detector, checkpoint(tmp_path / 'kd.pth', state_dict=state))
    state['student.other.weight'] = torch.zeros(1)
    with pytest.raises(ValueError, match='1 keys differ, such as student.other.weight is not in the model'):
        check_student_checkpoint(detector, checkpoint(tmp_path / 'other.pth', state_dict=state))


def test_weights_of_which_nothing_fits_are_no_beginning(tmp_path):
    """What happened: a student as `load_from` of a BEV detector, which trained from random weights."""
    student, detector = torch.nn.Module(), torch.nn.Module()
    student.head, detector.student = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    path = str(checkpoint(tmp_path / 'student.pth', state_dict=student.state_dict()))
    check_something_fits(student, path)
    wanted = (
        r'student.pth holds weights of another model: none of its 2 tensors, such as head.weight, .* student.weight'
    )
    with pytest.raises(ValueError, match=wanted):
        check_something_fits(detector, path)
    student.head = torch.nn.Linear(3, 2)  # Its bias fits.
    check_something_fits(student, path)


def started_hook(folder, **known):
    """A hook in a run that knows a best checkpoint from the checkpoint that it resumes."""
    from mmengine.logging import MMLogger

    runner = Runner(folder, MMLogger.get_current_instance())
    runner.runtime_info.update(known)
    hook = AtomicCheckpointHook(save_best='depth/abs_rel', rule='less')
    hook.before_train(runner)
    return hook, runner


def best(folder, epoch, score):
    name = f'best_depth_abs_rel_epoch_{epoch}.pth'
    return checkpoint(folder / name, message_hub=dict(runtime_info=dict(best_score=score)))


def test_a_run_removes_nothing_outside_its_folder(tmp_path):
    """Resumed into another folder, or a copied one, a checkpoint names the best file of the first run."""
    first, second = tmp_path / 'first', tmp_path / 'second'
    old = best(first, 1, 0.3)
    copied = best(second, 1, 0.3)
    hook, runner = started_hook(second, best_ckpt=str(old), best_score=0.3)
    assert hook.best_ckpt_path == runner.runtime_info['best_ckpt'] == str(copied)
    runner.epoch = 2
    hook.after_val_epoch(runner, {'depth/abs_rel': 0.2})
    assert old.is_file()
    assert [path.name for path in second.iterdir()] == ['best_depth_abs_rel_epoch_2.pth']


def test_a_run_without_best_checkpoints_in_its_folder_begins_to_have_them(tmp_path):
    old = best(tmp_path / 'first', 1, 0.1)
    hook, runner = started_hook(tmp_path / 'second', best_ckpt=str(old), best_score=0.1)
    assert hook.best_ckpt_path is None and 'best_score' not in runner.runtime_info
    (tmp_path / 'second').mkdir()
    runner.epoch = 2
    hook.after_val_epoch(runner, {'depth/abs_rel': 0.2})
    assert runner.runtime_info['best_score'] == 0.2 and old.is_file()


def test_what_kills_have_left_is_put_in_order(tmp_path):
    files = [best(tmp_path, epoch, score) for epoch, score in ((1, 0.4), (2, 0.2), (3, 0.3))]
    left = [tmp_path / 'epoch_3.pth.abcd_123.tmp', tmp_path / f'{files[2].name}.abcd_124.tmp']
    mine = [tmp_path / 'notes.tmp', tmp_path / 'epoch_3.pth', tmp_path / 'best_depth_sq_rel_epoch_1.pth']
    for path in left + mine:
        path.touch()
    hook, runner = started_hook(tmp_path, best_ckpt=str(files[0]), best_score=0.4)
    assert hook.best_ckpt_path == str(files[1]) and runner.runtime_info['best_score'] == 0.2
    assert set(tmp_path.iterdir()) == {files[1], *mine}
