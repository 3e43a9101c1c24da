"""What tools/cache_teacher.py makes of its options."""

import pytest
from mmdet3d.registry import MODELS
from processes import load_tool
from toy_infos import write_toy_infos
from toy_run import PIPELINE, ToyTeacher, toy_config

from fsmde.datasets import NuScenesSurroundDataset
from fsmde.teacher_cache import TeacherCache


@pytest.fixture
def run(tmp_path, monkeypatch):
    def call(*options):
        command = ['cache_teacher.py', tmp_path / 'config.py', '--out', tmp_path / 'cache', '--workers', 0, *options]
        monkeypatch.setattr('sys.argv', list(map(str, command)))
        load_tool('cache_teacher.py').main()

    return call


def test_mixed_data_sets_have_a_root_each(run, toy_dgp, tmp_path, capsys):
    rig = {camera: 60 * n for n, camera in enumerate(NuScenesSurroundDataset.CAMERAS)}
    infos = write_toy_infos(tmp_path / 'infos', rig)
    cfg = toy_config('elsewhere')
    parts = dict(
        dgp=cfg.train_dataloader.dataset,
        nus=dict(type='NuScenesSurroundDataset', data_root='elsewhere', ann_file='infos.pkl', pipeline=PIPELINE),
    )
    cfg.train_dataloader.dataset = dict(type='MixedSurroundDataset', datasets=parts)
    cfg.test_dataloader = None
    cfg.dump(tmp_path / 'config.py')
    with pytest.raises(SystemExit, match='want --data-root dgp=DIR --data-root nus=DIR, found elsewhere'):
        run('--data-root', 'elsewhere')
    run('--data-root', f'dgp={toy_dgp}', '--data-root', f'nus={infos}')
    assert 'is complete: 5 of 5 frames' in capsys.readouterr().out
    cache = TeacherCache(tmp_path / 'cache')
    names = '000000/0000', '000000/0001', '000000/0002', 'token0', 'token1'
    assert all(cache.path(name).is_file() for name in names)


def test_what_stands_in_the_way_is_said_in_a_line(run, toy_dgp, tmp_path):
    cfg = toy_config(toy_dgp)
    del cfg.train_dataloader.dataset.pipeline[3]
    cfg.dump(tmp_path / 'config.py')
    with pytest.raises(SystemExit, match='cache_teacher: neither KeepTeacherViews nor LoadTeacherAnswers is in'):
        run()


def test_it_fails_where_frames_cannot_be_read_and_not_where_other_ranks_are_at_work(
    run, toy_dgp, tmp_path, monkeypatch, capsys
):
    toy_config(toy_dgp).dump(tmp_path / 'config.py')
    monkeypatch.setenv('RANK', '0')
    monkeypatch.setenv('WORLD_SIZE', '2')
    run()
    assert '1 frames are to come' in capsys.readouterr().out
    (toy_dgp / '000000' / 'rgb' / 'CAMERA_01' / '1.png').write_bytes(b'')
    monkeypatch.setenv('RANK', '1')
    with pytest.raises(
        SystemExit, match='cache_teacher: .*cache is not complete: 1 of 3 frames cannot be read, such as'
    ):
        run()
    run('--allow-missing', 1)
    assert 'is complete: 2 of 3 frames' in capsys.readouterr().out


@MODELS.register_module()
class FaultyTeacher(ToyTeacher):
    """Of a user, with a mistake of its own."""

    def predict(self, images, cam2img):
        raise ValueError('a mistake in the teacher')


def test_a_mistake_inside_of_a_teacher_shows_where_it_is(run, toy_dgp, tmp_path):
    cfg = toy_config(toy_dgp)
    cfg.model.teacher = dict(type='FaultyTeacher')
    cfg.dump(tmp_path / 'config.py')
    with pytest.raises(ValueError, match='a mistake in the teacher') as caught:
        run()
    assert caught.traceback[-1].name == 'predict'


def test_a_config_that_is_not_there(run, tmp_path):
    with pytest.raises(SystemExit, match=f'cache_teacher: no such file: {tmp_path}/config.py'):
        run()


@pytest.mark.parametrize('option', ['--workers', '--allow-missing'])
def test_numbers_of_frames_and_workers_that_cannot_be(run, option, capsys):
    with pytest.raises(SystemExit):
        run(option, '-1')
    assert 'must not be negative' in capsys.readouterr().err
