"""Hundreds of malformed files, seeded: the right ground truth, a named error or a logged replacement, nothing else."""

import io
import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from attack import mutations as m
from attack.contract import attack, read_all
from attack.mutations import seeded
from toy_infos import write_toy_infos
from toy_run import TEST_PIPELINE

from fsmde.datasets import DDADDataset, NuScenesSurroundDataset
from toy_dgp import write_toy_dgp

CAMERAS = dict(FRONT=0, LEFT=120, RIGHT=240)
INDEX, SCENE, CALIBRATION = 'ddad.json', '000000/scene_0.json', '000000/calibration/c0.json'
CLOUD, IMAGE, MASK = '000000/point_cloud/LIDAR/1.npz', '000000/rgb/LEFT/0.png', 'masks/000000/LEFT.png'


class Toy:
    """A data set on disk whose files are put back after each attack."""

    def __init__(self, root, dataset, **options):
        self.root, self.dataset, self.options = Path(root), dataset, options
        self.saved = {path: path.read_bytes() for path in self.root.rglob('*') if path.is_file()}
        self.expected = read_all(self.make)
        self.frames = [*self.expected, *(f'frame {frame}' for frame in self.expected)]

    def make(self, test_mode):
        # serialize_data: mmengine collects garbage for each data set else, which takes longer than all of the rest.
        options = dict(self.options, cameras=list(CAMERAS), pipeline=TEST_PIPELINE, serialize_data=False)
        return self.dataset(data_root=str(self.root), test_mode=test_mode, **options)

    def content(self, file):
        return self.saved[self.root / file]

    def attack(self, file, content, *words):
        """Answer to other content of a file; errors name the file, a frame or one of the words."""
        (self.root / file).write_bytes(content)
        try:
            return attack(self.make, self.expected, [Path(file).name, *self.frames, *words], self.root)
        finally:
            (self.root / file).write_bytes(self.content(file))


@pytest.fixture(scope='module')
def dgp(tmp_path_factory):
    root = write_toy_dgp(tmp_path_factory.mktemp('attack') / 'dgp', cameras=CAMERAS, samples=2)
    (root / MASK).parent.mkdir(parents=True)
    for camera in CAMERAS:
        mask = np.full((48, 64), 255, np.uint8)
        mask[40:] = 0
        cv2.imwrite(str(root / MASK.replace('LEFT', camera)), mask)
    return Toy(root, DDADDataset, split='val', self_occlusion=dict(root='masks', valid=255))


@pytest.fixture(scope='module')
def infos(tmp_path_factory):
    root = write_toy_infos(tmp_path_factory.mktemp('attack') / 'infos', CAMERAS)
    return Toy(root, NuScenesSurroundDataset, ann_file='infos.pkl')


@pytest.mark.parametrize('mutate, seed', seeded(m.CHECKED, 4))
@pytest.mark.parametrize('file', [IMAGE, CLOUD, MASK])
def test_bytes_with_checksums(dgp, file, mutate, seed):
    dgp.attack(file, mutate(np.random.default_rng(seed), dgp.content(file)))


@pytest.mark.parametrize('mutate, seed', seeded(m.CHECKED, 4))
def test_bytes_of_jpegs(infos, mutate, seed):
    file = 'samples/LEFT/1.jpg'
    infos.attack(file, mutate(np.random.default_rng(seed), infos.content(file)))


@pytest.mark.parametrize('mutate, seed', seeded(m.BYTES, 3))
@pytest.mark.parametrize('file', ['samples/LIDAR_TOP/log__0.bin', 'infos.pkl'])
def test_bytes_without_checksums(infos, file, mutate, seed):
    content = mutate(np.random.default_rng(seed), infos.content(file))
    if file.endswith('.bin') and len(content) and len(content) % 20 == 0 and mutate is not m.zero_all:
        content += b'\0'
    infos.attack(file, content)


@pytest.mark.parametrize('mutate, seed', seeded(m.BYTES, 3))
@pytest.mark.parametrize('file', [INDEX, SCENE, CALIBRATION])
def test_bytes_of_json(dgp, file, mutate, seed):
    dgp.attack(file, mutate(np.random.default_rng(seed), dgp.content(file)))


# What no reader can tell from a good file: a frame or scene more or less; numbers that proto3 leaves out when they are
# 0; whether a rig stands a few metres elsewhere. A frame without token has its sample_idx as name.
COUNTED = {'samples', 'filenames', 'scene_splits', 'data_list'}
SMALL = {'z', 'skew', 'token'}


def undetectable(path):
    return path[-1] in SMALL or len(path) > 1 and isinstance(path[-1], int) and path[-2] in COUNTED


@pytest.mark.parametrize(
    'file, mutate, seed',
    [
        pytest.param(file, *p.values, id=f'{Path(file).name}-{p.id}')
        for file in (INDEX, SCENE, CALIBRATION)
        for p in (seeded(m.NUMBERS, 6) if file != INDEX else []) + seeded(m.STRUCTURE, 3 if file == INDEX else 6)
    ],
)
def test_fields_of_json(dgp, file, mutate, seed):
    tree = json.loads(dgp.content(file))
    tree = mutate(np.random.default_rng(seed), tree, undetectable)
    # The index and a scene name files, a scene names its calibration.
    dgp.attack(file, json.dumps(tree).encode(), 'calibration c0' if file == CALIBRATION else str(dgp.root))


@pytest.mark.parametrize('value', [0, -40.0, 4e4, 4e31, True])
@pytest.mark.parametrize('key', ['fx', 'fy', 'cx', 'cy'])
def test_intrinsics_of_json(dgp, key, value):
    tree = json.loads(dgp.content(CALIBRATION))
    tree['intrinsics'][2] = dict(tree['intrinsics'][2], **{key: value})
    dgp.attack(CALIBRATION, json.dumps(tree).encode())


@pytest.mark.parametrize('key', ['fx', 'fy', 'cx', 'cy', 'qw', 'names'])
def test_a_key_that_json_says_twice(dgp, key):
    """Parsers keep one of the two without a word."""
    text = dgp.content(CALIBRATION).decode()
    at = text.rindex(f'"{key}"')
    value = '["A", "B", "C", "D"]' if key == 'names' else '0.125'
    dgp.attack(CALIBRATION, f'{text[:at]}"{key}": {value}, {text[at:]}'.encode(), key)


@pytest.mark.parametrize('mutate, seed', seeded(m.NUMBERS, 6) + seeded(m.STRUCTURE, 6))
def test_fields_of_infos(infos, mutate, seed):
    tree = pickle.loads(infos.content('infos.pkl'))
    duplicates = 'duplicated' in mutate.__name__
    tree = mutate(np.random.default_rng(seed), tree, lambda path: not duplicates and undetectable(path))
    infos.attack('infos.pkl', pickle.dumps(tree))


@pytest.mark.parametrize('matrix', ['cam2img', 'lidar2cam', 'cam2ego'])
@pytest.mark.parametrize(
    'kind', ['transposed', 'mirrored', 'scaled', 'translated', 'zero', 'flat', 'last row', 'words']
)
def test_matrices_of_infos(infos, matrix, kind):
    tree = pickle.loads(infos.content('infos.pkl'))
    camera = tree['data_list'][1]['images']['LEFT']
    value = np.array(camera[matrix])
    if kind == 'last row':
        value[-1] = value[-1][::-1]
    elif kind == 'translated':
        value[:2, -1] += 1e4
    else:
        change = dict(transposed=np.transpose, mirrored=lambda v: v @ np.diag([-1, *np.ones(len(v) - 1)]))
        change.update(scaled=lambda v: v * 1000, zero=np.zeros_like, flat=np.ravel, words=lambda v: v.astype(str))
        value = change[kind](value)
    camera[matrix] = value.tolist()
    infos.attack('infos.pkl', pickle.dumps(tree))


@pytest.mark.parametrize('columns', [1, 3, 4, 6, 8, 0, -5, 5.5, '5', None, 1000])
def test_stated_columns_of_raw_clouds(infos, columns):
    tree = pickle.loads(infos.content('infos.pkl'))
    for info in tree['data_list']:
        info['lidar_points']['num_pts_feats'] = columns
    infos.attack('infos.pkl', pickle.dumps(tree), 'num_pts_feats', '.bin')


@pytest.mark.parametrize('kind', m.CLOUDS)
@pytest.mark.parametrize('compressed', [False, True])
def test_arrays_of_clouds(dgp, kind, compressed):
    with np.load(io.BytesIO(dgp.content(CLOUD))) as archive:
        points = m.CLOUDS[kind](archive['data'])
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, data=points)
    dgp.attack(CLOUD, file.getvalue())


@pytest.mark.parametrize('kind', m.RAW_CLOUDS)
def test_arrays_of_raw_clouds(infos, kind):
    file = 'samples/LIDAR_TOP/log__1.bin'
    points = np.frombuffer(infos.content(file), np.float32).reshape(-1, 5)
    infos.attack(file, np.ascontiguousarray(m.RAW_CLOUDS[kind](points)).tobytes())


@pytest.mark.parametrize('kind', m.MASKS)
def test_kinds_of_masks(dgp, kind):
    mask = cv2.imdecode(np.frombuffer(dgp.content(MASK), np.uint8), cv2.IMREAD_GRAYSCALE)
    dgp.attack(MASK, m.MASKS[kind](mask))


@pytest.mark.parametrize('size', [(24, 32), (96, 128), (64, 48), (1, 1)])
def test_images_of_another_size(dgp, size):
    """With masks of the right size they are noticed; docs/reliability.md says when else."""
    image = cv2.resize(cv2.imdecode(np.frombuffer(dgp.content(IMAGE), np.uint8), cv2.IMREAD_COLOR), size[::-1])
    dgp.attack(IMAGE, cv2.imencode('.png', image)[1].tobytes(), 'LEFT.png')
