"""Runs that fail end with a message, and checkpoints that do not fit are refused; in processes of their own."""

import os
import resource

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.registry import DefaultScope
from processes import start, start_tool, tool_main, wait_for
from toy_run import STUDENT, distilled, toy_config

from fsmde.engine import check_resumable, check_student_checkpoint, load_checkpoint_file
from fsmde.engine.checkpoint import not_finite
from toy_dgp import write_toy_dgp


def build(model):
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        torch.manual_seed(0)
        return MODELS.build(model)


class Hostile:
    """What a stranger's checkpoint may hold."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_hostile_and_cut_checkpoints_are_refused(tmp_path):
    torch.save(dict(state_dict={}, meta=Hostile(tmp_path / 'owned')), tmp_path / 'hostile.pth')
    with pytest.raises(ValueError, match='hostile.pth cannot be loaded as weights: .* not safe'):
        load_checkpoint_file(tmp_path / 'hostile.pth')
    assert not (tmp_path / 'owned').exists()
    torch.save(dict(state_dict=build(STUDENT).state_dict()), tmp_path / 'cut.pth')
    content = (tmp_path / 'cut.pth').read_bytes()
    (tmp_path / 'cut.pth').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match='cut.pth cannot be loaded as weights: it is cut'):
        load_checkpoint_file(tmp_path / 'cut.pth')
    with pytest.raises(FileNotFoundError, match='no checkpoint at'):
        load_checkpoint_file(tmp_path / 'absent.pth')
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='holds a list, no checkpoint'):
        load_checkpoint_file(tmp_path / 'list.pth')


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    torch.save(dict(state_dict=build(STUDENT).state_dict()), tmp_path / 'student.pth')
    wider = build(dict(STUDENT, neck=dict(STUDENT['neck'], channels=16)))
    with pytest.raises(ValueError, match='of another architecture than the config: .* keys differ, such as'):
        check_student_checkpoint(wider, tmp_path / 'student.pth')


def train_on_a_full_disk(*argv):
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    tool_main('train.py', argv)


@pytest.fixture(scope='module')
def endings(tmp_path_factory):
    """{run: (exit code, what it said)}; they run side by side."""
    folder = tmp_path_factory.mktemp('runs')
    root = write_toy_dgp(folder / 'toy')

    def config(name, model=None, **kwargs):
        cfg = toy_config(root, model, **kwargs)
        cfg.custom_hooks.append(dict(type='EMAHook'))
        cfg.dump(folder / name)
        return folder / name

    torch.save(dict(state_dict=build(distilled()).state_dict()), folder / 'distilled.pth')
    (folder / 'cut.pth').write_bytes(b'PK\x03\x04 and no more')
    run, student = config('run.py'), config('student.py', STUDENT)
    cfg = toy_config(root, num_workers=2)
    cfg.train_dataloader.dataset.pipeline.insert(0, dict(type='mmdet3d.KillWorker'))
    cfg.dump(folder / 'workers.py')
    checkpoint = folder / 'distilled.pth'
    nan_student = dict(STUDENT, head=dict(STUDENT['head'], loss_depth=dict(type='LossWithoutGradient')))
    options = '--cfg-options', 'optim_wrapper.optimizer.lr=1e30'
    started = dict(
        diverged=start_tool('train.py', run, '--work-dir', folder / 'a', *options, log=folder / 'diverged'),
        worker_killed=start_tool(
            'train.py',
            folder / 'workers.py',
            '--work-dir',
            folder / 'b',
            log=folder / 'worker_killed',
            KILL_SAMPLE='1',
        ),
        full_disk=start(train_on_a_full_disk, str(run), '--work-dir', str(folder / 'c'), log=folder / 'full_disk'),
        cut=start_tool(
            'train.py', run, '--work-dir', folder / 'd', '--resume', folder / 'cut.pth', log=folder / 'cut'
        ),
        nan_gradients=start_tool(
            'train.py',
            config('nan.py', nan_student),
            '--work-dir',
            folder / 'g',
            log=folder / 'nan_gradients',
            NAN_AT='4',
        ),
        distilled=start_tool('test.py', run, checkpoint, '--work-dir', folder / 'e', log=folder / 'distilled'),
        student=start_tool('test.py', student, checkpoint, '--work-dir', folder / 'f', log=folder / 'student'),
    )
    for process in started.values():
        wait_for(process)
    said = {name: (process.exitcode, (folder / name).read_text()) for name, process in started.items()}
    return dict(said, folder=folder)


@pytest.mark.parametrize(
    'run, message',
    [
        ('diverged', "not finite in epoch 1, iteration 2, frames ['000000/0"),
        ('nan_gradients', 'losses are finite, but gradients of'),
        ('worker_killed', 'is killed by signal: Killed'),
        ('full_disk', 'MiB): File too large'),
        ('cut', 'cut.pth cannot be loaded as weights: it is cut, no checkpoint, or not safe'),
    ],
)
def test_a_run_ends_with_a_message(endings, run, message):
    code, said = endings[run]
    assert code == 1 and message in said, said


def test_gradients_that_are_not_finite_reach_no_file(endings):
    """The toy data has three frames: the fifth step is in the second epoch."""
    assert 'not finite in epoch 2, iteration 5, frames' in endings['nan_gradients'][1]
    work_dir = endings['folder'] / 'g'
    assert [path.name for path in work_dir.glob('*.pth')] == ['epoch_1.pth']
    check_resumable(str(work_dir / 'epoch_1.pth'))
    state = torch.load(work_dir / 'epoch_1.pth')
    assert not not_finite(dict(state_dict=state['state_dict'], optimizer=state['optimizer']))


def test_a_distilled_checkpoint_is_the_plain_students(endings):
    figures = []
    for run in ('distilled', 'student'):
        code, said = endings[run]
        assert code == 0, said
        assert 'WARNING' not in said.split('Load checkpoint from')[1] and 'unexpected key' not in said, said
        figures.append([line for line in said.splitlines() if line.startswith('│')])
    assert figures[0] and figures[0] == figures[1]
