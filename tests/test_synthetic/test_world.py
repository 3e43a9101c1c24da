"""The world on disk: the format, the geometry that its files promise, and how it comes to be there."""

import errno
import hashlib
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from fsmde.concurrency import BusyError, only_one
from fsmde.datasets import DDADDataset
from fsmde.synthetic import make_world, trivial_abs_rel
from fsmde.synthetic.trivial import _pose, _views

TINY = dict(train_scenes=1, val_scenes=0, test_scenes=1, frames_per_scene=2, size=(48, 80))
RING = ['CAMERA_01', 'CAMERA_05', 'CAMERA_07', 'CAMERA_09', 'CAMERA_08', 'CAMERA_06']


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp('synthetic') / 'world', **TINY)


def scene_of(world, split='0'):
    files = json.loads((world / 'ddad.json').read_text())['scene_splits'][split]['filenames']
    path = world / files[0]
    return path.parent, json.loads(path.read_text())


def test_splits_have_string_keys_and_relative_files(world):
    splits = json.loads((world / 'ddad.json').read_text())['scene_splits']
    assert {k: len(v['filenames']) for k, v in splits.items()} == {'0': 1, '1': 0, '2': 1}
    assert splits['2']['filenames'][0].startswith('000001/scene_')


def test_samples_join_by_keys_and_files_are_there(world):
    directory, scene = scene_of(world)
    data = {entry['key']: entry for entry in scene['data']}
    assert len(data) == len(scene['data']) == 2 * 7
    for sample in scene['samples']:
        entries = [data[key] for key in sample['datum_keys']]
        assert [e['id']['name'] for e in entries] == ['LIDAR', *RING]
        for entry in entries[1:]:
            image = entry['datum']['image']
            assert cv2.imread(str(directory / image['filename'])).shape == (48, 80, 3)
        assert (directory / 'calibration' / f'{sample["calibration_key"]}.json').is_file()
    first, second = (data[sample['datum_keys'][1]] for sample in scene['samples'])
    assert first['next_key'] == second['key'] and second['prev_key'] == first['key'] and first['prev_key'] == ''


def test_ddad_dataset_reads_it(world):
    frames = DDADDataset(data_root=str(world), split='test', dense_depth='depth/{camera}/{stem}.png', pipeline=[])
    assert len(frames) == 2
    assert frames[0]['frame_id'] == '000001/0000'
    assert cv2.imread(frames[0]['dense_depth_path'][5], cv2.IMREAD_UNCHANGED).shape == (48, 80)


def test_camera_pose_is_vehicle_pose_times_extrinsics(world):
    directory, scene = scene_of(world)
    data = {entry['key']: entry for entry in scene['data']}
    sample = scene['samples'][0]
    calibration = json.loads((directory / 'calibration' / f'{sample["calibration_key"]}.json').read_text())
    extrinsics = {n: _pose(e) for n, e in zip(calibration['names'], calibration['extrinsics'])}
    vehicles = []
    for key in sample['datum_keys'][1:]:
        pose = _pose(data[key]['datum']['image']['pose'])
        vehicles.append(pose @ np.linalg.inv(extrinsics[data[key]['id']['name']]))
    np.testing.assert_allclose(vehicles, np.repeat(vehicles[:1], 6, 0), atol=1e-6)
    forward = extrinsics['CAMERA_01'][:3, 2]
    assert forward[0] > 0.99  # the front camera's z axis is the vehicle's x axis
    assert extrinsics['CAMERA_05'][1, 2] > 0.7 and extrinsics['CAMERA_06'][1, 2] < -0.7  # left, right
    fx = dict(zip(calibration['names'], calibration['intrinsics']))['CAMERA_01']['fx']
    assert fx == pytest.approx(2181 * 80 / 1936, rel=0.01)


def test_lidar_agrees_with_dense_depth(world):
    """The median LiDAR point lies on the dense depth at its pixel: poses, calibration and depth mean the same."""
    lidar = list(_views(world, 'train', 'lidar'))
    directory, scene = scene_of(world)
    images = [e['datum']['image']['filename'] for e in scene['data'] if 'image' in e['datum']]
    assert len(lidar) == len(images)
    for (name, _, pixels, depth), image in zip(lidar, images):
        dense = cv2.imread(str(directory / image.replace('rgb', 'depth').replace('jpg', 'png')), cv2.IMREAD_UNCHANGED)
        dense = dense[pixels[:, 1], pixels[:, 0]] / 256
        assert name in image
        assert np.median(np.abs(dense - depth) / depth) < 0.03


def test_lidar_file_and_masks(world):
    directory, scene = scene_of(world)
    points = np.load(next(directory.glob('point_cloud/LIDAR/*.npz')))['data']
    assert points.dtype == np.float64 and points.shape[1] == 4 and len(points) > 10000
    ranges = np.linalg.norm(points[:, :3], axis=1)
    assert 1.0 < ranges.min() and ranges.max() < 202
    for name in RING:
        mask = cv2.imread(str(world / 'masks' / directory.name / f'{name}.png'), 0)
        depth = cv2.imread(str(next((directory / 'depth' / name).iterdir())), cv2.IMREAD_UNCHANGED)
        assert mask.shape == depth.shape == (48, 80) and depth.dtype == np.uint16
        assert set(np.unique(mask)) <= {0, 255}
        assert not depth[mask == 0].any()
    for name in ('CAMERA_07', 'CAMERA_08', 'CAMERA_09'):
        hidden = cv2.imread(str(world / 'masks' / directory.name / f'{name}.png'), 0) == 0
        assert 0.02 < hidden.mean() < 0.5


def digest(world):
    """One hash over depth, LiDAR and json files."""
    digest = hashlib.sha256()
    for path in sorted(world.rglob('*')):
        if path.suffix in ('.npz', '.json') or path.match('depth/*/*.png'):
            content = np.load(path)['data'].tobytes() if path.suffix == '.npz' else path.read_bytes()
            digest.update(path.relative_to(world).as_posix().encode() + content)
    return digest.hexdigest()


def test_same_parameters_give_the_same_bytes_in_any_number_of_processes(world, tmp_path):
    assert digest(make_world(tmp_path / 'again', jobs=2, **TINY)) == digest(world)


def test_a_scene_does_not_depend_on_the_number_of_scenes(world, tmp_path):
    alone = make_world(tmp_path / 'alone', **dict(TINY, train_scenes=0))
    points = [
        np.load(next((root / name).glob('point_cloud/LIDAR/*.npz')))['data']
        for root, name in ((world, '000001'), (alone, '000000'))
    ]
    np.testing.assert_array_equal(*points)


def test_a_complete_world_is_found_and_another_refused(world, caplog):
    before = (world / 'world.json').stat().st_mtime_ns
    with caplog.at_level('INFO'):
        make_world(world, **TINY)
    assert 'already holds this world' in caplog.text
    assert (world / 'world.json').stat().st_mtime_ns == before
    with pytest.raises(FileExistsError, match='seed 0 instead of 1.*--force'):
        make_world(world, seed=1, **TINY)


@pytest.mark.parametrize(
    'text, message', [('{"seed": 0,', 'world.json is cut or no JSON'), ('[]', 'not a synthetic world')]
)
def test_a_world_whose_record_is_broken(tmp_path, text, message):
    (tmp_path / 'world.json').write_text(text)
    with pytest.raises((ValueError, FileExistsError), match=message):
        make_world(tmp_path, **TINY)


def test_force_replaces_a_world_but_nothing_else(tmp_path):
    one = dict(TINY, test_scenes=0, frames_per_scene=1)
    make_world(tmp_path / 'w', **one)
    make_world(tmp_path / 'w', seed=1, force=True, **one)
    assert json.loads((tmp_path / 'w' / 'world.json').read_text())['seed'] == 1
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'thesis.tex').write_text('x')
    with pytest.raises(FileExistsError, match='not a synthetic world'):
        make_world(tmp_path / 'mine', force=True, **one)


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError('No space left on device')

    monkeypatch.setattr('fsmde.synthetic.dgp.write_image', full_disk)
    with pytest.raises(OSError, match='No space left'):
        make_world(tmp_path / 'w', **TINY)
    assert [path.name for path in tmp_path.iterdir()] == ['.w.lock']


@pytest.mark.parametrize(
    'wrong',
    [
        dict(preset='pupil'),
        dict(frames_per_scene=0),
        dict(size=(8, 80)),
        dict(interval=0),
        dict(jobs=0),
        dict(seed=-1),
        dict(val_scenes=1.5),
        dict(train_scenes=0, val_scenes=0, test_scenes=0),
        dict(streets=['boulevard']),
        dict(weathers=['night']),
        dict(weathers=[]),
    ],
)
def test_wrong_parameters_are_named(tmp_path, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make_world(tmp_path / 'w', **{**TINY, **wrong})
    assert list(tmp_path.iterdir()) == []


def test_a_town_of_chosen_streets_and_weathers(tmp_path):
    wanted = dict(TINY, test_scenes=0, frames_per_scene=1, streets=['square'], weathers=['mist'])
    world = make_world(tmp_path / 'w', preset='elsewhere', **wanted)
    tags = json.loads((scene_of(world)[0] / 'tags.json').read_text())
    assert tags == dict(street='square', weather='mist', cameras=[f'CAMERA_0{i}' for i in range(1, 6)])
    assert json.loads((world / 'world.json').read_text())['weathers'] == ['mist']
    with pytest.raises(FileExistsError, match='weathers'):
        make_world(world, preset='elsewhere', **dict(wanted, weathers=['night']))


def test_trivial_predictor(world):
    assert 0.2 < trivial_abs_rel(world, 'lidar') < 5
    with pytest.raises(ValueError, match='no scenes'):
        trivial_abs_rel(world, split='val')


def test_what_a_training_never_saw_is_counted(world, caplog):
    """A frame's LiDAR hits few of the cells of another one."""
    trivial_abs_rel(world, 'lidar')
    (line,) = [record.getMessage() for record in caplog.records if 'left out' in record.getMessage()]
    unseen, of = map(
        int, re.match(r'(\d+) of (\d+) LiDAR pixels lie in cells without lidar training depth', line).groups()
    )
    assert 0 < unseen < of


@pytest.mark.parametrize('file', ['world.json', 'tags.json'])
def test_a_full_disk_is_said_with_the_world(tmp_path, monkeypatch, file):
    write_text = Path.write_text

    def full(path, *args):
        if path.name == file:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return write_text(path, *args)

    monkeypatch.setattr(Path, 'write_text', full)
    with pytest.raises(
        OSError, match=f'cannot write (scene 000000|the index) of {tmp_path}.*: No space left on device'
    ):
        make_world(tmp_path / 'w', **dict(TINY, val_scenes=0, test_scenes=0, frames_per_scene=1))
    assert not (tmp_path / 'w').exists()


def test_importing_fsmde_does_not_import_the_generator():
    code = 'import sys, fsmde; assert not {"trimesh", "embreex"} & set(sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True)


def test_two_calls_at_once_do_not_mix(tmp_path, monkeypatch):
    """The second waits, and leaves the half-made world of the first alone."""
    half_made = tmp_path / '.world.partial' / '000000'
    half_made.mkdir(parents=True)
    with only_one(str(tmp_path / '.world.lock'), 'the first'):
        monkeypatch.setattr('fsmde.synthetic.world.only_one', partial(only_one, patience=0))
        with pytest.raises(BusyError, match='another make_synthetic of .*world is at work in'):
            make_world(tmp_path / 'world', **TINY)
        assert half_made.is_dir() and not (tmp_path / 'world').exists()
    # What a killed one left is in nobody's way.
    world = make_world(tmp_path / 'world', **dict(TINY, test_scenes=0, frames_per_scene=1))
    assert len(list(world.glob('[0-9]*'))) == 1 and not half_made.exists()
