"""Data that is broken in ways tests/test_datasets does not try: each is named with its file."""

import json
import pickle

import cv2
import numpy as np
import pytest
from toy_run import PIPELINE, TEST_PIPELINE

from fsmde.datasets import DDADDataset, NuScenesSurroundDataset
from toy_dgp import AZIMUTHS, write_toy_dgp

CLOUD, IMAGE = '000000/point_cloud/LIDAR/0.npz', '000000/rgb/CAMERA_01/0.png'
SCENE, CALIBRATION = '000000/scene_0.json', '000000/calibration/c0.json'


def dataset(root, **kwargs):
    return DDADDataset(data_root=str(root), **{**dict(pipeline=TEST_PIPELINE, test_mode=True), **kwargs})


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    """A toy data set whose files are put back after each test."""
    return write_toy_dgp(tmp_path_factory.mktemp('faults') / 'toy')


@pytest.fixture
def root(toy):
    saved = {path: path.read_bytes() for path in toy.rglob('*') if path.is_file()}
    yield toy
    for path, content in saved.items():
        path.write_bytes(content)


@pytest.mark.parametrize(
    'file, content, message',
    [
        ('ddad.json', '[1, 2]', 'ddad.json is not in DGP format'),
        ('ddad.json', '{"scene_splits": {"0": {}}}', "ddad.json is not in DGP format: KeyError: 'filenames'"),
        ('ddad.json', '', 'ddad.json is cut or no JSON'),
        (SCENE, '[]', 'scene_0.json is not in DGP format'),
        (CALIBRATION, '{"names": []}', "c0.json is not in DGP format: KeyError: 'intrinsics'"),
    ],
)
def test_json_of_another_kind(root, file, content, message):
    (root / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        dataset(root)


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda scene: scene['samples'][0].pop('calibration_key'), 'calibration_key'),
        (lambda scene: scene['data'][1].update(datum=dict(point_cloud={})), 'image'),
        (lambda scene: scene['data'][1]['datum']['image'].pop('pose'), 'pose'),
    ],
)
def test_a_scene_that_lacks_a_field(root, change, message):
    scene = json.loads((root / SCENE).read_text())
    change(scene)
    (root / SCENE).write_text(json.dumps(scene))
    with pytest.raises(ValueError, match=f"scene_0.json is not in DGP format: KeyError: '{message}'"):
        dataset(root)


@pytest.mark.parametrize(
    'arrays, message',
    [
        (None, 'it is cut, or no zip archive'),
        (dict(points=np.zeros((3, 4))), r"it has no \['data'\], but \['points'\]"),
        (dict(data=np.zeros(12)), r'a cloud has the shape \(points, 3 to 16\), found \(12,\)'),
        (dict(data=np.array([['a', 'b', 'c']])), 'its data are <U1, no numbers'),
        (dict(data=np.array([dict(a=1)], dtype=object)), 'allow_pickle=False'),
    ],
)
def test_a_cloud_of_another_kind(root, arrays, message):
    if arrays is None:
        (root / CLOUD).write_bytes(b'')
    else:
        np.savez(root / CLOUD, **arrays)
    with pytest.raises(ValueError, match=f'LIDAR/0.npz.*{message}'):
        dataset(root)[0]


def test_files_of_another_type(root):
    (root / CLOUD).write_bytes((root / IMAGE).read_bytes())
    with pytest.raises(ValueError, match='LIDAR/0.npz .*no zip archive'):
        dataset(root)[0]
    (root / IMAGE).write_bytes((root / 'ddad.json').read_bytes())
    with pytest.raises(ValueError, match='CAMERA_01/0.png is no image'):
        dataset(root)[0]


@pytest.mark.parametrize('content', [b'', b'no image', b'\x89PNG\r\n\x1a\n', None])
def test_lidar_pixels_of_broken_images(root, content):
    content = (root / IMAGE).read_bytes()[:-5] if content is None else content
    (root / IMAGE).write_bytes(content)
    with pytest.raises(ValueError, match='CAMERA_01/0.png is (no image|cut)'):
        dataset(root).lidar_pixels(0)


def test_unknown_cameras_and_lidar(root):
    with pytest.raises(ValueError, match=r"sample 0 has no CAMERA_99; it has \['CAMERA_01'"):
        dataset(root, cameras=['CAMERA_01', 'CAMERA_99'])
    with pytest.raises(ValueError, match='sample 0 has no VELODYNE'):
        dataset(root, lidar='VELODYNE')
    with pytest.raises(ValueError, match="cameras must be a list of names, found 'CAMERA_01'"):
        dataset(root, cameras='CAMERA_01')


def test_iterating_over_training_frames_ends(root):
    assert len(list(dataset(root, test_mode=False))) == 3


def test_points_that_are_all_behind_the_cameras(root):
    np.savez(root / CLOUD, data=[[-5.0, 0, 0, 1]])
    frame = dataset(root, cameras=['CAMERA_01', 'CAMERA_05'], pipeline=PIPELINE, test_mode=False)[0]
    assert not frame['data_samples'].gt_depth.any()


def test_time_that_runs_backwards_changes_nothing(root):
    before = dataset(root)[1]['data_samples']
    scene = json.loads((root / SCENE).read_text())
    for number, sample in enumerate(scene['samples']):
        sample['id']['timestamp'] = f't{9 - number}'
    (root / SCENE).write_text(json.dumps(scene))
    after = dataset(root)[1]['data_samples']
    assert (after.frame_id, after.timestamp) == (before.frame_id, 't8')
    np.testing.assert_array_equal(after.gt_depth, before.gt_depth)


def test_absent_masks(root):
    with pytest.raises(FileNotFoundError, match='masks/000000/CAMERA_01.png'):
        dataset(root, self_occlusion=dict(root='masks', valid=255))[0]
    with pytest.raises(ValueError, match=r"may name \{scene\} and \{camera\}, found '\{cam\}.png'"):
        dataset(root, self_occlusion=dict(root='masks', valid=255, template='{cam}.png'))


def test_dense_depth_of_another_size(root):
    for camera in AZIMUTHS:
        path = root / '000000' / 'depth' / camera / '0.png'
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.full((24 if camera == 'CAMERA_01' else 48, 64), 2560, np.uint16))
    pipeline = [*PIPELINE[:2], dict(type='mmdet3d.LoadDenseDepth')]
    with pytest.raises(ValueError, match=r'CAMERA_01/0.png: the depth map is \(24, 64\), its image \(48, 64\)'):
        dataset(root, dense_depth='depth/{camera}/{stem}.png', pipeline=pipeline)[0]


@pytest.mark.parametrize(
    'content, message',
    [
        (b'', 'cut or no pickle'),
        (b'\x89PNG\r\n\x1a\n', 'cut or no pickle'),
        (pickle.dumps(dict(metainfo={}, data_list=[])), 'holds no frame'),
        (pickle.dumps(dict(metainfo={}, data_list=[dict(token='t')])), "frame t has no 'images'"),
    ],
)
def test_infos_of_another_kind(tmp_path, content, message):
    (tmp_path / 'infos.pkl').write_bytes(content)
    with pytest.raises(ValueError, match=f'infos.pkl.*{message}'):
        NuScenesSurroundDataset('infos.pkl', data_root=str(tmp_path), pipeline=[])
