"""Who writes which frames of a cache, and when it is complete."""

from functools import partial

import pytest
from toy_run import STUDENT, toy_config

from fsmde.concurrency import BusyError, only_one
from fsmde.teacher_cache import TeacherCache, write_answers
from fsmde.teacher_cache.writing import own_device


def write(cfg, tmp_path, **options):
    complete = write_answers(cfg, tmp_path / 'cache', workers=0, **options)
    assert complete != (tmp_path / 'cache/UNFINISHED').exists()
    return tmp_path / 'cache'


def test_resumes_and_shares_the_work(toy_dgp, tmp_path, capsys):
    live = toy_config(toy_dgp)
    cache = write(live, tmp_path, rank=1, world=2)
    assert [path.stem for path in sorted(cache.rglob('*.npz'))] == ['0001']
    assert '2 frames are to come' in capsys.readouterr().out
    with pytest.raises(ValueError, match='not finished'):
        TeacherCache(cache).description()
    before = (cache / '000000' / '0001.npz').stat().st_mtime_ns
    (cache / '000000' / '0002.npz.x.tmp').write_bytes(b'killed')
    write(live, tmp_path)
    assert (cache / '000000' / '0001.npz').stat().st_mtime_ns == before
    assert 'for 2 frames' in capsys.readouterr().out and not list(cache.rglob('*.tmp'))
    TeacherCache(cache).description()


def test_a_frame_that_is_there_more_than_once_is_asked_about_once(toy_dgp, tmp_path, capsys):
    """Labelled frames that take the places of others."""
    cfg = toy_config(toy_dgp)
    cfg.train_dataloader.dataset.update(labelled_fraction=0.25, only_labelled=True)
    cache = write(cfg, tmp_path)
    assert len(list(cache.rglob('*.npz'))) == 1
    said = capsys.readouterr().out
    assert 'rank 0: 1 of 1 frames' in said and 'is complete: 1 of 1 frames' in said


def test_ranks_have_equally_many_of_frames_that_are_there_more_than_once(toy_dgp, tmp_path):
    """Their first places in the data set are multiples of how often each is there."""
    cfg = toy_config(toy_dgp)
    cfg.train_dataloader.dataset.update(labelled_fraction=0.5, only_labelled=True)
    for rank in (1, 0):
        assert len(list(write(cfg, tmp_path, rank=rank, world=2).rglob('*.npz'))) == 2 - rank


@pytest.mark.parametrize('visible, device', [(0, 'cpu'), (1, 'cuda:0'), (4, 'cuda:2'), (2, 'cuda:0')])
def test_each_process_asks_on_its_own_device(monkeypatch, visible, device):
    """srun says who is who on a machine, and shows all devices to each process, or one."""
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    monkeypatch.setenv('SLURM_LOCALID', '2')
    monkeypatch.setattr('torch.cuda.is_available', lambda: visible > 0)
    monkeypatch.setattr('torch.cuda.device_count', lambda: visible)
    assert str(own_device()) == device


def test_a_frame_that_cannot_be_read_is_named(toy_dgp, tmp_path, capsys):
    (toy_dgp / '000000' / 'rgb' / 'CAMERA_01' / '1.png').write_bytes(b'')
    cache = tmp_path / 'cache'
    with pytest.raises(
        ValueError, match='1 of 3 frames cannot be read, such as 000000/0001 .* by --allow-missing 1 that'
    ):
        write(toy_config(toy_dgp), tmp_path)
    assert 'frame 000000/0001 cannot be read' in capsys.readouterr().out
    with pytest.raises(ValueError, match='not finished'):
        TeacherCache(cache).description()
    write(toy_config(toy_dgp), tmp_path, allow_missing=1)
    assert TeacherCache(cache).description()['feature_channels'] == 3


@pytest.mark.parametrize('first, second', [(0, 1), (1, 0)])
def test_no_rank_declares_the_cache_complete_while_another_has_frames(toy_dgp, tmp_path, capsys, first, second):
    """Frame 1 is rank 1's and cannot be read; the allowance would cover all that is absent."""
    (toy_dgp / '000000' / 'rgb' / 'CAMERA_01' / '1.png').write_bytes(b'')
    cache = write(toy_config(toy_dgp), tmp_path, allow_missing=3, rank=first, world=2)
    assert 'frames are to come' in capsys.readouterr().out and (cache / 'UNFINISHED').exists()
    write(toy_config(toy_dgp), tmp_path, allow_missing=3, rank=second, world=2)
    assert 'is complete: 2 of 3 frames' in capsys.readouterr().out
    assert not [path for path in cache.rglob('*') if path.suffix in ('.tmp', '.unreadable')]


def test_a_rank_that_works_is_waited_for_and_has_no_double(toy_dgp, tmp_path, monkeypatch, capsys):
    cache = TeacherCache(tmp_path / 'cache')
    with cache.writer(1):
        write(toy_config(toy_dgp), tmp_path)
        assert 'rank 0 is done; other ranks are at work' in capsys.readouterr().out
        assert (cache.root / 'UNFINISHED').exists()
        monkeypatch.setattr('fsmde.teacher_cache.folder.only_one', partial(only_one, patience=0))
        with pytest.raises(BusyError, match='another process of rank 1 is at work in'):
            write(toy_config(toy_dgp), tmp_path, rank=1)
    write(toy_config(toy_dgp), tmp_path)
    assert 'is complete: 3 of 3 frames' in capsys.readouterr().out


def test_configs_without_a_teacher_a_place_or_a_folder(toy_dgp, tmp_path):
    with pytest.raises(ValueError, match='has no teacher: give a config of a distilled student'):
        write_answers(toy_config(toy_dgp, STUDENT), tmp_path)
    cfg = toy_config(toy_dgp)
    with pytest.raises(ValueError, match='the config names no cache'):
        write_answers(cfg)
    del cfg.train_dataloader.dataset.pipeline[3]
    with pytest.raises(
        ValueError, match='neither KeepTeacherViews nor LoadTeacherAnswers is in the training pipeline'
    ):
        write_answers(cfg, tmp_path)
    cfg.model.teacher = dict(type='CachedTeacher', cache=str(tmp_path))
    with pytest.raises(ValueError, match='CachedTeacher without `teacher`: there is nobody to ask'):
        write_answers(cfg)


def test_a_disk_that_is_too_small(toy_dgp, tmp_path, monkeypatch):
    """The second and third frame would need two bytes more than are free."""
    cache = write(toy_config(toy_dgp), tmp_path, rank=1, world=3)
    size = (cache / '000000/0001.npz').stat().st_size
    monkeypatch.setattr('shutil.disk_usage', lambda folder: type('', (), dict(free=2 * size - 1)))
    with pytest.raises(OSError, match='has 0.0 GiB free, 0.0 are needed: choose another disk'):
        write_answers(toy_config(toy_dgp), cache, workers=0)
