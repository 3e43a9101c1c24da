"""A cache in metres, made of relative answers and what views of known pose show."""

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from processes import load_tool

from fsmde.models import CachedTeacher
from fsmde.teacher_cache import TeacherCache, write_scales
from fsmde.teacher_cache.scaling import _Frames
from fsmde.teacher_cache.writing import build_datasets

PIPELINE = [
    dict(type='mmdet3d.LoadSurroundImages'),
    dict(type='mmdet3d.LoadSurroundLidar'),
    dict(type='mmdet3d.LoadDenseDepth'),
    dict(type='mmdet3d.KeepTeacherViews'),
]
#: Of each view, as foundation models have them.
UNITS = np.array([0.3, 1.0, 7.0, 0.02, 2.5, 0.9])
SPACES = dict(disparity_affine_invariant=lambda metres: 1 / metres, depth_scale_invariant=lambda metres: metres)


@pytest.fixture(scope='module')
def drive(tmp_path_factory):
    """Three frames of one scene of the built-in world, 96x160."""
    pytest.importorskip('embreex')
    from fsmde.synthetic import make_world

    few = dict(train_scenes=1, val_scenes=0, test_scenes=0, frames_per_scene=3, size=(96, 160))
    return make_world(tmp_path_factory.mktemp('drive') / 'world', **few)


@pytest.fixture
def config(drive):
    """Of a student's training there; the teacher's answers are in `answers` beside."""
    dense = 'depth/{camera}/{stem}.png'
    dataset = dict(
        type='mmdet3d.DDADDataset', data_root=str(drive), ann_file='ddad.json', split='train', pipeline=PIPELINE
    )
    return Config(dict(model=dict(), train_dataloader=dict(dataset=dict(dataset, dense_depth=dense))))


def answer(config, folder, space, units=UNITS):
    """The answers of a teacher that knows everything but the scale of each view."""
    init_default_scope('mmdet3d')
    cache, truth = TeacherCache(folder), []
    with cache.writer(0):
        cache.begin(dict(identity=dict(who='knows'), space=space, feature_channels=None, name='it', licence='MIT'))
        for frame in build_datasets(config.train_dataloader.dataset)[0]:
            metres = np.where(frame['dense_depth'] > 0, frame['dense_depth'], np.inf)
            metres = np.where(np.stack(frame['visible']), metres, np.nan)
            relative = SPACES[space](metres * units[:, None, None]).astype(np.float32)
            relative = np.where(np.isinf(relative), 6e4, relative)
            cache.write(frame['frame_id'], frame['img'], frame['cam2img'], relative)
            truth.append((frame, metres))
    cache.finish()
    return truth


@pytest.mark.parametrize('space', SPACES)
def test_answers_come_out_in_metres(config, tmp_path, space, capsys):
    truth = answer(config, tmp_path / 'answers', space)
    assert write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    said = capsys.readouterr().out
    assert 'is complete: 3 of 3 frames' in said and 'of 18 views have a scale' in said and 'with LiDAR' in said
    # As found from another folder, too.
    (tmp_path / 'moved').mkdir()
    for folder in ('answers', 'metres'):
        (tmp_path / folder).rename(tmp_path / 'moved' / folder)
    cache = TeacherCache(tmp_path / 'moved/metres')
    ratios = []
    for frame, metres in truth:
        depth, features = cache.read(frame['frame_id'], frame['img'], frame['cam2img'])
        assert depth.shape == metres.shape and features is None
        known = np.isfinite(metres) & np.isfinite(depth)
        ratios += [np.median(d[k] / m[k]) for d, m, k in zip(depth, metres, known) if k.any()]
        log_ratio = cache.read_scale(frame['frame_id'])[1]
        assert np.abs(log_ratio[np.isfinite(log_ratio)]).max() < 0.15
    assert len(ratios) >= 12
    np.testing.assert_allclose(ratios, 1, atol=0.12)
    assert np.median(np.abs(np.array(ratios) - 1)) < 0.03


def test_a_teacher_reads_it_as_a_metric_one(config, tmp_path):
    answer(config, tmp_path / 'answers', 'disparity_affine_invariant')
    write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    teacher = CachedTeacher(str(tmp_path / 'metres'))
    assert teacher.space == 'depth_metric' and teacher.name == 'it' and teacher.licence == 'MIT'
    with pytest.raises(ValueError, match='of another teacher: who knows there, forgets here'):
        TeacherCache(tmp_path / 'metres').check_identity(dict(who='forgets'))


def test_scales_of_other_answers_are_refused(config, tmp_path):
    answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    about = tmp_path / 'answers/cache.json'
    about.write_text(about.read_text().replace('knows', 'guesses'))
    with pytest.raises(ValueError, match='answers is of another teacher: who guesses there, knows here'):
        TeacherCache(tmp_path / 'metres').description()


def test_it_goes_on_where_it_was_and_ranks_share(config, tmp_path, capsys):
    answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    assert not write_scales(config, tmp_path / 'metres', tmp_path / 'answers', rank=1, world=2)
    assert '1 frames are to come' in capsys.readouterr().out
    with pytest.raises(ValueError, match='not finished: run tools/scale_answers.py again'):
        TeacherCache(tmp_path / 'metres').description()
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / 'metres').rglob('*.npz')}
    assert write_scales(config, tmp_path / 'metres', tmp_path / 'answers', rank=0, world=2)
    assert all(path.stat().st_mtime_ns == time for path, time in files.items())


def test_a_frame_that_cannot_be_read_is_named_and_missed(config, tmp_path, capsys):
    truth = answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    lost = truth[1][0]['frame_id']
    TeacherCache(tmp_path / 'answers').path(lost).unlink()
    assert not write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    assert f'frame {lost} cannot be read' in capsys.readouterr().out
    assert write_scales(config, tmp_path / 'metres', tmp_path / 'answers', allow_missing=1)
    with pytest.raises(FileNotFoundError, match='Run tools/scale_answers.py again'):
        TeacherCache(tmp_path / 'metres').read(lost, [], np.empty((0, 3, 3)))


def test_frames_are_compared_with_those_in_which_the_car_is_elsewhere():
    class Drive:
        """Two scenes; in the first the car stands in frames 1 to 3."""

        places = [('a', 0.0), ('a', 2.0), ('a', 2.0), ('a', 2.3), ('a', 3.1), ('b', 9.0), ('b', 9.5)]

        def __len__(self):
            return len(self.places)

        def get_data_info(self, i):
            pose = np.eye(4)
            pose[0, 3] = self.places[i][1]
            return dict(scene=self.places[i][0], ori_cam2world=pose[None])

    frames = _Frames(Drive(), None)
    assert [frames.others(i) for i in range(7)] == [[0, 1], [1, 0, 4], [2, 0, 4], [3, 0], [4, 2], [5], [6]]


@pytest.mark.parametrize(
    'space, why', [('depth_metric', 'metric already'), ('depth_affine_invariant', 'a scale alone')]
)
def test_answers_that_a_scale_does_not_help(config, tmp_path, space, why):
    cache = TeacherCache(tmp_path / 'answers')
    cache.begin(dict(identity={}, space=space, feature_channels=None))
    cache.finish()
    with pytest.raises(ValueError, match=why):
        write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    with pytest.raises(ValueError, match='is the folder of the answers themselves'):
        write_scales(config, tmp_path / 'answers', tmp_path / 'answers')
    with pytest.raises(ValueError, match='no CachedTeacher: give --answers DIR'):
        write_scales(config, tmp_path / 'metres')


def test_the_tool(config, tmp_path, monkeypatch, capsys):
    answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    config.dump(tmp_path / 'config.py')
    command = [
        'scale_answers.py',
        tmp_path / 'config.py',
        '--answers',
        tmp_path / 'answers',
        '--out',
        tmp_path / 'metres',
    ]
    monkeypatch.setattr('sys.argv', list(map(str, command)))
    load_tool('scale_answers.py').main()
    assert 'is complete: 3 of 3 frames' in capsys.readouterr().out
    monkeypatch.setattr('sys.argv', [*map(str, command[:-1]), ''])
    with pytest.raises(SystemExit):
        load_tool('scale_answers.py').main()
