"""A cache in metres, made of relative answers and what views of known pose show."""

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from processes import load_tool

from fsmde.datasets import DDADDataset
from fsmde.models import CachedTeacher
from fsmde.teacher_cache import TeacherCache, open_cache, write_scales
from fsmde.teacher_cache.compared_frames import ROWS, ComparedFrames, _against_lidar, _units
from fsmde.teacher_cache.metric_cache import checksum, in_metres
from fsmde.teacher_cache.shown_frames import build_datasets

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
            relative = np.minimum(relative, 6e4)
            cache.write(frame['frame_id'], frame['img'], frame['cam2img'], relative)
            truth.append((frame, metres))
    cache.finish()
    return truth


@pytest.fixture
def at_once(monkeypatch):
    """Every scale is 1, without a search."""
    monkeypatch.setattr('fsmde.teacher_cache.compared_frames.view_scales', lambda depth, *_: np.ones(len(depth)))


@pytest.mark.parametrize('space', SPACES)
def test_answers_come_out_in_metres(config, tmp_path, space, capsys):
    truth = answer(config, tmp_path / 'answers', space)
    assert write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    said = capsys.readouterr().out
    assert 'is complete: 3 of 3 frames' in said and 'of 18 views have a scale' in said and 'with LiDAR' in said
    assert 'their δ1 on LiDAR is 0.9' in said
    # As found from another folder, too.
    (tmp_path / 'moved').mkdir()
    for folder in ('answers', 'metres'):
        (tmp_path / folder).rename(tmp_path / 'moved' / folder)
    cache = open_cache(tmp_path / 'moved/metres')
    ratios = []
    for frame, metres in truth:
        depth, features = cache.read(frame['frame_id'], frame['img'], frame['cam2img'])
        assert depth.shape == metres.shape and features is None
        known = np.isfinite(metres) & np.isfinite(depth)
        ratios += [np.median(d[k] / m[k]) for d, m, k in zip(depth, metres, known) if k.any()]
        _, log_ratio, d1 = cache.read_scale(frame['frame_id'])
        judged = np.isfinite(log_ratio)
        assert np.abs(log_ratio[judged]).max() < 0.15
        assert (d1[judged] > 0.8).all() and np.isnan(d1[~judged]).all()
    assert len(ratios) >= 12
    np.testing.assert_allclose(ratios, 1, atol=0.12)
    assert np.median(np.abs(np.array(ratios) - 1)) < 0.03


def test_a_teacher_reads_it_as_a_metric_one(config, tmp_path, at_once):
    answer(config, tmp_path / 'answers', 'disparity_affine_invariant')
    write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    teacher = CachedTeacher(str(tmp_path / 'metres'))
    assert teacher.space == 'depth_metric' and teacher.name == 'it' and teacher.licence == 'MIT'
    with pytest.raises(ValueError, match='of another teacher: who knows there, forgets here'):
        open_cache(tmp_path / 'metres').check_identity(dict(who='forgets'))


def test_scales_of_other_answers_are_refused(config, tmp_path, at_once):
    answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    about = tmp_path / 'answers/cache.json'
    about.write_text(about.read_text().replace('knows', 'guesses'))
    with pytest.raises(ValueError, match='answers is of another teacher: who guesses there, knows here'):
        open_cache(tmp_path / 'metres').description()


def test_it_goes_on_where_it_was_and_ranks_share(config, tmp_path, at_once, capsys):
    answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    assert not write_scales(config, tmp_path / 'metres', tmp_path / 'answers', rank=1, world=2)
    assert '1 frames are to come' in capsys.readouterr().out
    with pytest.raises(ValueError, match='not finished: run tools/scale_answers.py again'):
        open_cache(tmp_path / 'metres').description()
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / 'metres').rglob('*.npz')}
    assert write_scales(config, tmp_path / 'metres', tmp_path / 'answers', rank=0, world=2)
    assert all(path.stat().st_mtime_ns == time for path, time in files.items())


def with_car_poses(monkeypatch, change):
    """The car's pose (4, 4) in each frame is another."""
    of_index = DDADDataset.get_data_info

    def get_data_info(self, index):
        info = of_index(self, index)
        ego2world = change(info['ori_cam2world'] @ np.linalg.inv(info['cam2ego']))
        return dict(info, ori_cam2world=ego2world @ info['cam2ego'])

    monkeypatch.setattr(DDADDataset, 'get_data_info', get_data_info)


def test_scales_of_other_poses_are_found_again(config, tmp_path, monkeypatch, at_once, capsys):
    """As after a mistake in them was mended."""
    ids = [frame['frame_id'] for frame, _ in answer(config, tmp_path / 'answers', 'depth_scale_invariant')]
    write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    before = [open_cache(tmp_path / 'metres').read_scale(frame_id)[0] for frame_id in ids]
    monkeypatch.setattr('fsmde.teacher_cache.compared_frames.view_scales', lambda depth, *_: np.full(len(depth), 2.0))
    for metres, found in ((0.0, 1.0), (0.1, 2.0)):
        moved = np.eye(4)
        moved[2, 3] = metres
        with_car_poses(monkeypatch, lambda pose, moved=moved: pose @ moved)
        assert write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
        assert ('the poses of 3 frames are others' in capsys.readouterr().out) == bool(metres)
        after = [open_cache(tmp_path / 'metres').read_scale(frame_id)[0] for frame_id in ids]
        np.testing.assert_array_equal(after, found * np.array(before))


@pytest.mark.parametrize('unit, alone', [(1, 0), (1000, 3), (0.001, 3)])
def test_frames_that_no_motion_helps_are_counted(config, tmp_path, monkeypatch, at_once, capsys, unit, alone):
    answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    stretch = np.ones((4, 4))
    stretch[:3, 3] = unit
    with_car_poses(monkeypatch, lambda pose: pose * stretch)
    assert write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    said = capsys.readouterr().out
    assert (f'{alone} of 3 frames have the overlaps of their cameras alone' in said) == bool(alone)


def test_a_frame_that_cannot_be_read_is_named_and_missed(config, tmp_path, at_once, capsys):
    truth = answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    lost = truth[1][0]['frame_id']
    TeacherCache(tmp_path / 'answers').path(lost).unlink()
    with pytest.raises(ValueError, match=f'1 of 3 frames cannot be read, such as {lost}'):
        write_scales(config, tmp_path / 'metres', tmp_path / 'answers')
    assert f'frame {lost} cannot be read' in capsys.readouterr().out
    assert write_scales(config, tmp_path / 'metres', tmp_path / 'answers', allow_missing=1)
    with pytest.raises(FileNotFoundError, match='Run tools/scale_answers.py again'):
        open_cache(tmp_path / 'metres').read(lost, [], np.empty((0, 3, 3)))


class Drive:
    """A data set of frames (scene, metres driven or None, time)."""

    def __init__(self, *frames):
        self.frames = frames

    def __len__(self):
        return len(self.frames)

    def get_data_info(self, i):
        scene, metres, time = self.frames[i]
        pose = np.eye(4)
        pose[0, 3] = metres or 0.0
        known = dict(cam2ego=np.eye(4)[None], ori_cam2world=None if metres is None else pose[None])
        return dict(known, scene=scene, timestamp=time, frame_id=f'{scene}/{metres}/{time}')


def test_frames_are_compared_with_those_in_which_the_car_is_elsewhere():
    """Two scenes; in the first the car stands in frames 1 to 3."""
    metres = [('a', 0.0), ('a', 2.0), ('a', 2.0), ('a', 2.3), ('a', 3.1), ('b', 9.0), ('b', 9.5)]
    frames = ComparedFrames(Drive(*((*place, f'2026-{i}') for i, place in enumerate(metres))), None)
    assert [frames.others(i) for i in range(7)] == [[0, 1], [1, 0, 4], [2, 0, 4], [3, 0], [4, 2], [5], [6]]


def test_neighbours_are_those_in_time_whatever_the_order_and_however_often_a_frame_is_there():
    drive = [(scene, 1.5 * i, 7.0 + i) for i in range(3) for scene in 'ab']
    frames = ComparedFrames(Drive(*(frame for frame in reversed(drive) for _ in range(30))), None)
    assert [(place.scene, place.position[0]) for place in frames.places[:3]] == [('b', 0.0), ('b', 1.5), ('b', 3.0)]
    assert [frames.dataset.get_data_info(place.index)['frame_id'] for place in frames.places] == [
        place.frame_id for place in frames.places
    ]
    assert [frames.others(i) for i in range(6)] == [[0, 1], [1, 0, 2], [2, 1], [3, 4], [4, 3, 5], [5, 4]]


def test_another_drive_of_the_same_name_is_not_compared_with():
    frames = ComparedFrames(Drive(('a', 0.0, 0), ('a', 2.0, 1), ('a', 700.0, 2)), None)
    assert [frames.others(i) for i in range(3)] == [[0, 1], [1, 0], [2]]


def test_frames_without_a_pose_are_compared_with_no_other():
    frames = ComparedFrames(Drive(('a', 0.0, 0), ('a', None, 1), ('a', 4.0, 2)), None)
    assert [frames.others(i) for i in range(3)] == [[0], [1], [2]]


@pytest.mark.parametrize('unit', [2.0**-12, 1.0, 2.0**12])
@pytest.mark.parametrize('space', [*SPACES, 'depth_scale_invariant_multi_view'])
def test_any_unit_of_a_teacher_will_do(unit, space):
    """Nothing that is compared comes near the limits of float16, or to what counts as infinite."""
    metres = 2.0 ** np.random.default_rng(0).integers(1, 7, (2, 8, 9)) * np.array([1, 16])[:, None, None]
    answers = SPACES[space.removesuffix('_multi_view')](metres * unit).astype(np.float32)
    units = _units(answers, space)
    relative = in_metres(answers, units, space)
    np.testing.assert_array_equal(relative, metres * unit * units[:, None, None])
    assert 2.0**-8 <= relative.min() and relative.max() <= 2.0**8
    assert units[0] / units[1] == (1 if space.endswith('multi_view') else 16)


def test_a_teacher_of_small_numbers(config, tmp_path):
    """1 / depth in half millimetres: depth would be beyond what counts as infinite from 5 m on."""
    answer(config, tmp_path / 'answers', 'disparity_affine_invariant', np.full(6, 2000.0))
    datasets = build_datasets(config.train_dataloader.dataset, lidar_if_there=True)
    scale, log_ratio, _, _ = ComparedFrames(datasets[0], TeacherCache(tmp_path / 'answers')).scales(1)
    np.testing.assert_allclose(scale * 2000, 1, atol=0.03)
    np.testing.assert_allclose(log_ratio, 0, atol=0.03)


@pytest.mark.parametrize('space', ['disparity_affine_invariant', 'depth_scale_invariant'])
def test_lidar_judges_the_scale_and_the_whole(space):
    """By hand: 16 points at 10 m, twelve of which the teacher puts at 12 m, and four at 5 m."""
    metres = np.repeat([12.0, 5.0], [12, 4])
    said = metres if space.startswith('depth') else 1 / metres
    at_lidar = np.stack([said, np.full(16, 10.0)]).astype(np.float32)
    np.testing.assert_allclose(_against_lidar(at_lidar, 1.0, space), [np.log(1.2), 0.75], rtol=1e-3)
    assert np.isnan(_against_lidar(at_lidar[:, 1:], 1.0, space)).all()


def write(config, tmp_path, **options):
    return write_scales(config, tmp_path / 'metres', tmp_path / 'answers', **options)


@pytest.mark.parametrize('first, second', [(0, 1), (1, 0)])
def test_no_rank_declares_the_cache_complete_while_another_has_frames(
    config, tmp_path, at_once, capsys, first, second
):
    """Frame 1 is rank 1's and cannot be read; the allowance would cover all that is absent."""
    truth = answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    TeacherCache(tmp_path / 'answers').path(truth[1][0]['frame_id']).unlink()
    assert not write(config, tmp_path, allow_missing=3, rank=first, world=2)
    assert 'frames are to come' in capsys.readouterr().out
    assert write(config, tmp_path, allow_missing=3, rank=second, world=2)
    assert 'is complete: 2 of 3 frames\n12 of 12 views have a scale' in capsys.readouterr().out


def test_no_frame_that_can_be_read(config, tmp_path, at_once):
    for frame, _ in answer(config, tmp_path / 'answers', 'depth_scale_invariant'):
        TeacherCache(tmp_path / 'answers').path(frame['frame_id']).write_bytes(b'')
    with pytest.raises(ValueError, match='metres is not complete: 0 of 0 views have a scale. Most likely poses'):
        write(config, tmp_path, allow_missing=3)


@pytest.mark.parametrize('found, share', [(0, None), (2, '6 of 18'), (3, '9 of 18')])
def test_few_scales_are_said_loudly_and_none_is_an_error(config, tmp_path, monkeypatch, capsys, found, share):
    scales = np.where(np.arange(6) < found, 1.0, np.nan)
    monkeypatch.setattr('fsmde.teacher_cache.compared_frames.view_scales', lambda *_: scales)
    answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    if share:
        assert write(config, tmp_path)
        said = capsys.readouterr().out
        assert f'{share} views have a scale' in said
        assert ('WARNING: the others are left out of distillation. Most likely poses' in said) == (found == 2)
        return
    for _ in range(2):
        with pytest.raises(ValueError, match='metres is not complete: 0 of 18 views have a scale.*remove the folder'):
            write(config, tmp_path)
    with pytest.raises(ValueError, match='metres is not finished'):
        CachedTeacher(str(tmp_path / 'metres'))


def test_a_frame_is_left_out_whatever_is_wrong_with_it_and_a_fault_of_ours_is_none(
    config, tmp_path, at_once, monkeypatch, capsys
):
    lost = answer(config, tmp_path / 'answers', 'depth_scale_invariant')[1][0]['frame_id']
    read = TeacherCache.read

    def read_but_one(self, frame_id, *args, **kwargs):
        return read(self, frame_id if frame_id != lost else {}[lost], *args, **kwargs)

    monkeypatch.setattr(TeacherCache, 'read', read_but_one)
    with pytest.raises(ValueError, match=f'1 of 3 frames cannot be read, such as {lost}'):
        write(config, tmp_path)
    assert f'frame {lost} cannot be read and is left out: KeyError' in capsys.readouterr().out
    monkeypatch.setattr('fsmde.teacher_cache.compared_frames.view_scales', lambda *_: int('nonsense'))
    with pytest.raises(ValueError, match='nonsense'):
        write_scales(config, tmp_path / 'again', tmp_path / 'answers')


def test_lidar_behind_the_answers_is_not_looked_at(config, tmp_path, at_once, capsys):
    answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    images, lidar, dense, keep = PIPELINE
    config.train_dataloader.dataset.pipeline = [images, keep, lidar, dense]
    assert write(config, tmp_path)
    assert '18 of 18 views have a scale\n' in capsys.readouterr().out


class Frames(list):
    """A data set of frames that are loaded."""

    def get_data_info(self, i):
        return self[i]


def test_poses_that_a_frame_says_are_unknown(config, tmp_path):
    truth = answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    dataset = Frames(dict(frame, ori_cam2world=None) for frame, _ in truth)
    views, *_ = ComparedFrames(dataset, TeacherCache(tmp_path / 'answers')).load(0)
    np.testing.assert_array_equal(np.stack([view.cam2world for view in views]), dataset[0]['cam2ego'])


def test_views_of_one_centre_say_nothing_to_each_other(config, tmp_path, monkeypatch):
    """Virtual cameras of one fisheye; two frames of six views each, all of which differ elsewhere."""
    (frame, _), (behind, _), _ = answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    frame['ori_cam2world'][3, :3, 3] = frame['ori_cam2world'][2, :3, 3]
    found = []

    def search(depth, views, others, shared):
        found.extend(map(len, others))
        return np.ones(len(depth))

    monkeypatch.setattr('fsmde.teacher_cache.compared_frames.view_scales', search)
    ComparedFrames(Frames([frame, behind]), TeacherCache(tmp_path / 'answers')).scales(0)
    assert found == [11, 11, 10, 10, 11, 11]


def test_where_the_answers_are(config, tmp_path, at_once):
    """From a folder behind a link `..` leads elsewhere."""
    truth = answer(config, tmp_path / 'answers', 'depth_scale_invariant')
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'metres').symlink_to(tmp_path / 'disk')
    assert write(config, tmp_path)
    frame = truth[0][0]
    depth, _ = open_cache(tmp_path / 'disk').read(frame['frame_id'], frame['img'], frame['cam2img'])
    assert np.isfinite(depth).any()
    (tmp_path / 'answers').rename(tmp_path / 'elsewhere')
    with pytest.raises(FileNotFoundError, match='has scales for answers in .*answers, and there are none'):
        open_cache(tmp_path / 'metres').description()
    scales = {path: path.read_bytes() for path in (tmp_path / 'disk').rglob('*.npz')}
    assert write_scales(config, tmp_path / 'metres', tmp_path / 'elsewhere')
    assert all(path.read_bytes() == content for path, content in scales.items())
    open_cache(tmp_path / 'metres').description()


def test_scales_are_of_one_answer(config, tmp_path, at_once):
    """The same teacher may have been asked again, in another size, and then its units are others."""
    frame = answer(config, tmp_path / 'answers', 'depth_scale_invariant')[0][0]
    assert write(config, tmp_path)
    cache, shown = open_cache(tmp_path / 'metres'), (frame['frame_id'], frame['img'], frame['cam2img'])
    depth, _ = cache.answers.read(*shown)
    cache.answers.write(*shown, depth.astype(np.float32) / 2)
    with pytest.raises(ValueError, match='npz has 6 scales of another answer than is in .*answers: remove it and run'):
        cache.read(*shown)
    path, content = cache.path(frame['frame_id']), dict(scale=np.ones(6), log_ratio=np.ones(6))
    for change, message in [
        (dict(frame_id='another'), 'is of frame another: remove it and run tools/scale_answers.py again'),
        (dict(frame_id=shown[0], scale=np.ones((6, 1))), r'expected scale of shape .*found float64 \(6, 1\)'),
        (dict(), 'expected frame_id of shape .*found none: remove it and run tools/scale_answers.py again'),
    ]:
        np.savez(path, **{**content, **change})
        with pytest.raises(ValueError, match=message):
            cache.read(*shown)
    # As files of before there was a checksum, and LiDAR's word on more than the scale.
    np.savez(path, **content, frame_id=shown[0])
    assert cache.has_scale(shown[0], poses=5)
    assert np.isnan(cache.read_scale(shown[0])[2]).all()
    np.testing.assert_array_equal(cache.read(*shown)[0], in_metres(depth / 2, np.ones(6), 'depth_scale_invariant'))


def test_what_is_kept_of_a_frame_is_small(config, tmp_path):
    config.train_dataloader.dataset.pipeline.insert(1, dict(type='mmdet3d.ResizeViews', size=(384, 640)))
    del config.train_dataloader.dataset.pipeline[3]
    datasets = build_datasets(config.train_dataloader.dataset, lidar_if_there=True)
    cache = TeacherCache(tmp_path / 'answers')
    cache.begin(dict(identity={}, space='depth_scale_invariant', feature_channels=None))
    cache.finish()
    frame = datasets[0][0]
    depth = np.random.default_rng(0).uniform(1, 9, (6, 384, 640)).astype(np.float32)
    cache.write(frame['frame_id'], frame['img'], frame['cam2img'], depth)
    _, answers, at_lidar, answer_of = ComparedFrames(datasets[0], cache).load(0)
    assert answers.shape == (6, ROWS, 160) and answer_of == checksum(depth.astype(np.float16))
    assert sum(map(np.size, at_lidar)) < depth.size / 10
    rows, columns = np.nonzero(frame['teacher_lidar'][3])
    np.testing.assert_array_equal(at_lidar[3][0], depth.astype(np.float16)[3, rows, columns])


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
    monkeypatch.setattr('sys.argv', [*map(str, command), '--allow-missing', '-1'])
    with pytest.raises(SystemExit):
        load_tool('scale_answers.py').main()
    assert '--allow-missing must not be negative, found -1' in capsys.readouterr().err
