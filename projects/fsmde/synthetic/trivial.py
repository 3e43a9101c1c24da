"""How far a predictor gets that only knows camera, row and column."""

import logging
from pathlib import Path

import cv2
import numpy as np

from fsmde.array_files import read_npz
from fsmde.image_files import load_image
from fsmde.plain_data import read_json

logger = logging.getLogger(__name__)
_MAX_DEPTH = 200.0


def trivial_abs_rel(root, source='dense', split='test', cell=4):
    """AbsRel on a split's LiDAR of the median training depth at each camera, row and column.

    LiDAR is projected as for DDAD (pixel = floor of K X / z); pixels on the own car do not count. The error is
    averaged per image, then over images. Pixels in cells that no training depth fell into have no prediction: they are
    left out, and a line in the log says how many of all they are.

    Args:
        root: directory of a world.
        source: ``dense`` takes the median of the training set's dense depth, ``lidar`` that of its LiDAR.
        split: split to evaluate on, ``val`` or ``test``.
        cell: pixels that share a median are squares of this side.

    Returns:
        float: mean of abs(truth - prediction) / truth.

    Raises:
        ValueError: ``source`` is unknown, the world has no scenes of ``train`` or of ``split``, or its cameras have lenses.
    """
    if source not in ('dense', 'lidar'):
        raise ValueError(f'source is {source!r}, expected dense or lidar')
    gathered = {}
    for name, size, pixels, depth in _views(Path(root), 'train', source):
        gathered.setdefault(name, (size, [], []))
        gathered[name][1].append(_cells(pixels, size, cell))
        gathered[name][2].append(depth)
    maps = {name: _median_map(size, cell, *map(np.concatenate, lists)) for name, (size, *lists) in gathered.items()}
    errors, unseen, count = [], 0, 0
    for name, size, pixels, depth in _views(Path(root), split, 'lidar'):
        if name not in maps:
            raise ValueError(f'{root}: split {split} has the camera {name}, train has {sorted(maps) or "no scenes"}')
        predicted = maps[name][_cells(pixels, size, cell)]
        known = predicted > 0
        unseen, count = unseen + np.sum(~known), count + known.size
        if known.any():
            errors.append(np.mean(np.abs(predicted - depth)[known] / depth[known]))
    if not errors:
        raise ValueError(f'{root} has no scenes to train on or none of the split {split}: make a world with both')
    if unseen:
        logger.warning('%d of %d LiDAR pixels lie in cells without %s training depth: left out', unseen, count, source)
    return float(np.mean(errors))


def _cells(pixels, size, cell):
    """Numbers (n,) of the cells that hold pixels (n, 2) column, row."""
    return pixels[:, 1] // cell * -(-size[1] // cell) + pixels[:, 0] // cell


def _median_map(size, cell, cells, depth):
    """Median depth of each cell, 0 where there is none."""
    order = np.lexsort((depth, cells))
    cells, depth = cells[order], depth[order]
    found, first, count = np.unique(cells, return_index=True, return_counts=True)
    medians = np.zeros(-(-size[0] // cell) * -(-size[1] // cell))
    medians[found] = depth[first + count // 2]
    return medians


def _views(root, split, source):
    """Yield camera name, image size, pixels (n, 2) column and row, and their depth (n,) for each image of a split."""
    index = read_json(root / 'ddad.json')['scene_splits']
    for filename in index[str(('train', 'val', 'test').index(split))]['filenames']:
        path = root / filename
        scene = read_json(path)
        data = {entry['key']: entry for entry in scene['data']}
        for sample in scene['samples']:
            entries = [data[key] for key in sample['datum_keys']]
            cloud = next(e['datum']['point_cloud'] for e in entries if 'point_cloud' in e['datum'])
            calibration = read_json(path.parent / 'calibration' / f'{sample["calibration_key"]}.json')
            intrinsics = dict(zip(calibration['names'], calibration['intrinsics']))
            if any(set(k) - {'fx', 'fy', 'cx', 'cy', 'skew'} for k in intrinsics.values()):
                raise ValueError(f'{root}: its cameras have lenses; this measurement knows pinholes')
            points = read_npz(path.parent / cloud['filename'], 'data')['data'][:, :3]
            points = points @ _pose(cloud['pose'])[:3, :3].T + _pose(cloud['pose'])[:3, 3]
            for entry in entries:
                if 'image' in entry['datum']:
                    image, name = entry['datum']['image'], entry['id']['name']
                    valid = (
                        load_image(str(root / 'masks' / path.parent.name / f'{name}.png'), cv2.IMREAD_GRAYSCALE) > 0
                    )
                    if source == 'lidar':
                        pixels, depth = _project(points, _pose(image['pose']), intrinsics[name], valid.shape)
                    else:
                        pixels, depth = _dense(path.parent, image['filename'], name)
                    kept = valid[pixels[:, 1], pixels[:, 0]] & (depth > 0) & (depth < _MAX_DEPTH)
                    yield name, valid.shape, pixels[kept], depth[kept]


def _dense(scene, filename, name):
    depth = load_image(str(scene / 'depth' / name / f'{Path(filename).stem}.png'), cv2.IMREAD_UNCHANGED) / 256
    depth = depth[2::4, 2::4]
    rows, columns = np.mgrid[: depth.shape[0], : depth.shape[1]] * 4 + 2
    return np.stack([columns.ravel(), rows.ravel()], 1), depth.ravel()


def _project(points, cam2world, k, size):
    """Pixels (n, 2) and z (n,) of world points (m, 3) that fall into the image."""
    local = (points - cam2world[:3, 3]) @ cam2world[:3, :3]
    local = local[local[:, 2] > 0]
    column = np.floor(k['fx'] * local[:, 0] / local[:, 2] + k['cx'])
    row = np.floor(k['fy'] * local[:, 1] / local[:, 2] + k['cy'])
    inside = (column >= 0) & (row >= 0) & (column < size[1]) & (row < size[0])
    return np.stack([column, row], 1)[inside].astype(int), local[inside, 2]


def _pose(pose):
    """DGP pose to a matrix (4, 4)."""
    w, x, y, z = (pose['rotation'][k] for k in ('qw', 'qx', 'qy', 'qz'))
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = [pose['translation'][k] for k in 'xyz']
    return matrix
