"""Names become paths that are inside, distinct, and everywhere the same."""

import random
import string
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement

from fsmde import output_names
from fsmde.engine import DepthWriterHook, SurroundVisualizationHook
from fsmde.evaluation.predictions import read_frame
from fsmde.output_names import LONGEST, check_frames, check_names, ignores_case, output_name, output_path
from fsmde.teacher_cache import TeacherCache

PIECES = [
    '..',
    '.',
    '/',
    '\\',
    ' ',
    '_',
    '%',
    '%20',
    '%2E',
    '%-',
    '~',
    'a',
    'A',
    'é',
    'e\u0301',
    '深',
    '\n',
    '\0',
    ':',
    '*',
    '+',
]
PIECES += [
    'CON',
    'nul',
    'COM1',
    '.txt',
    'C:',
    'x' * 120,
    '-',
    '0',
    '\ud800',
    '|',
    '"',
    '<',
    '?',
    '\x7f',
    '😀',
    'K',
    '\u212a',
]
PLAIN = string.ascii_letters + string.digits + '_.+-'
FORBIDDEN = set('<>:"/\\|?*') | set(map(chr, range(32)))
DEVICES = {'CON', 'PRN', 'AUX', 'NUL', *(f'{d}{n}' for d in ('COM', 'LPT') for n in range(10))}


def random_names(count, seed=0):
    rng = random.Random(seed)
    names = {''.join(rng.choices(PIECES, k=rng.randrange(6))) for _ in range(count)}
    return sorted(names, key=lambda name: name.encode('utf-8', 'surrogatepass'))


def test_any_names_give_distinct_components_that_every_file_system_takes():
    names = random_names(20000)
    assert len(names) > 10000
    components = [output_name(name) for name in names]
    assert len(set(components)) == len(names)
    for component in components:
        assert component and component not in ('.', '..') and not FORBIDDEN & set(component) and component.isascii()
        assert len(component) <= LONGEST and component[-1] not in '. '
        assert component.split('.')[0].upper() not in DEVICES


def test_any_frames_and_cameras_give_distinct_paths_inside_the_folder(tmp_path):
    rng = random.Random(1)
    names = random_names(3000, seed=1)
    pairs = {(rng.choice(names), rng.choice(names)) for _ in range(5000)}
    paths = {output_path(tmp_path, *pair) for pair in pairs}
    assert len(paths) == len(pairs)
    for path in paths:
        assert path.resolve().is_relative_to(tmp_path.resolve()) and '..' not in path.parts


def test_plain_names_stay_as_they_are():
    rng = random.Random(2)
    for _ in range(2000):
        name = 'x' + ''.join(rng.choices(PLAIN, k=rng.randrange(60))) + 'y'
        assert output_name(name) == name
    assert str(output_path('out', '000150/0007', 'CAMERA_01')) == 'out/000150/0007/CAMERA_01'


@pytest.mark.parametrize(
    ('name', 'component'),
    [
        ('a b', 'a%20b'),
        ('a_b', 'a_b'),
        ('', '%'),
        ('..', '.%2E'),
        ('.', '%2E'),
        ('nul', '%6Eul'),
        ('NUL.txt', '%4EUL.txt'),
        ('null', 'null'),
        ('a%20b', 'a%2520b'),
        ('front.', 'front%2E'),
        ('é', '%C3%A9'),
    ],
)
def test_odd_names_by_hand(name, component):
    assert output_name(name) == component


def test_long_names_keep_their_beginning_and_can_be_written(tmp_path):
    one, other = ('深' * 100 + end for end in '12')
    assert output_name(one) != output_name(other) and output_name(one)[:30] == output_name(other)[:30]
    for name in (one, 'x' * 240, 'x' * 255):
        path = output_path(tmp_path, name, name)
        path.parent.mkdir()
        path.with_name(f'{path.name}_panel.jpg').write_bytes(b'')


def test_names_that_differ_in_case_only_where_a_disk_ignores_it(tmp_path, monkeypatch):
    assert not ignores_case(tmp_path) and not list(tmp_path.iterdir())
    check_names(tmp_path, ['a/0', 'A/0'])
    monkeypatch.setattr(output_names, 'ignores_case', lambda folder: True)
    with pytest.raises(ValueError, match="'a/0' and 'A/0' would be the same"):
        check_names(tmp_path, ['a/0', 'b/0', 'A/0'])
    check_names(tmp_path, ['É', 'é', 'a'])


def test_joined_data_sets_whose_frames_share_their_names_are_not_written(tmp_path):
    class Joined:
        metainfo = dict(cam_names=['A'])

        def __len__(self):
            return 2

        def get_data_info(self, index):
            return dict(frame_id='000000/0000')

    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=Joined()))
    for hook in (DepthWriterHook(str(tmp_path)), SurroundVisualizationHook(str(tmp_path))):
        with pytest.raises(ValueError, match="two frames or cameras are called '000000/0000'"):
            hook.before_test(runner)


@pytest.mark.parametrize('hook', [DepthWriterHook, SurroundVisualizationHook])
def test_a_test_does_not_write_among_files_of_another(tmp_path, hook):
    class Frames:
        metainfo = dict(cam_names=['A'])

        def __len__(self):
            return 0

    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=Frames()))
    hook(str(tmp_path / 'new')).before_test(runner)
    hook(str(tmp_path / 'new')).before_test(runner)  # Made, and empty.
    (tmp_path / 'new/000000').mkdir()
    with pytest.raises(ValueError, match='new is not empty: name another folder, or --overwrite'):
        hook(str(tmp_path / 'new')).before_test(runner)
    hook(str(tmp_path / 'new'), overwrite=True).before_test(runner)


def test_frames_of_mmdet3d_have_their_tokens_for_names(tmp_path):
    class Frames:
        metainfo = dict(classes=['car'])
        tokens = ['ca9a28', 'fd8420']

        def __len__(self):
            return 2

        def get_data_info(self, index):
            return dict(token=self.tokens[index], images=dict(CAM_FRONT={}, CAM_BACK={}))

    check_frames(tmp_path, Frames())
    Frames.tokens = ['ca9a28', 'ca9a28']
    with pytest.raises(ValueError, match="called 'ca9a28'"):
        check_frames(tmp_path, Frames())


def test_a_name_that_is_there_twice(tmp_path):
    with pytest.raises(ValueError, match="called '000000/0001'"):
        check_names(tmp_path, ['000000/0001', '000000/0002', '000000/0001'])


def test_what_test_out_writes_is_what_eval_predictions_reads(tmp_path):
    names = random_names(60, seed=3)
    frames = [f'{name}/0000' for name in names if '\0' not in name]
    cameras = ['..', '/abs', 'a b', 'a_b', 'CON', 'front']
    hook = DepthWriterHook(str(tmp_path / 'out'))
    for number, frame_id in enumerate(frames):
        pred = torch.arange(1, 7).view(6, 1, 1) + torch.full((6, 2, 3), 10.0 * number)
        sample = BaseDataElement(metainfo=dict(frame_id=frame_id, cam_names=cameras))
        sample.pred_depth = pred.clamp(max=255)
        hook.after_test_iter(None, 0, outputs=[sample])
    for number, frame_id in enumerate(frames):
        found = read_frame(str(tmp_path / 'out'), frame_id, cameras)[:, 0, 0]
        np.testing.assert_array_equal(found, np.minimum(np.arange(1, 7) + 10 * number, 255))
    assert [path.name for path in tmp_path.iterdir()] == ['out']
    assert len(list(tmp_path.rglob('*.png'))) == 6 * len(frames)


def test_the_teachers_cache_has_its_frames_inside(tmp_path):
    cache = TeacherCache(tmp_path)
    frames = ['../../x', '/x', 'a b/1', 'a_b/1', '', '..']
    paths = [cache.path(frame_id) for frame_id in frames]
    assert len(set(paths)) == len(frames)
    assert all(path.suffix == '.npz' and path.resolve().is_relative_to(tmp_path.resolve()) for path in paths)
