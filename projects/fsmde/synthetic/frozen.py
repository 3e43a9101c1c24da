"""Freezes the generator: a record of its sources and of what it draws, kept in ``frozen.json``.

``python -m fsmde.synthetic.freeze`` writes the record anew, after a change that is meant. The generator is named by the
hash of the sources that first drew what it draws: a change of the sources that changes no world, seen by comparing all of
their files, is recorded with ``--same`` and keeps the name, so that the worlds that are there stay valid.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from .lidar import scan
from .render import Renderer
from .scene import Scene
from .splits import DEFAULTS

HERE = Path(__file__).parent
RECORD = HERE / 'frozen.json'
_NOT_GENERATING = {'__init__.py', 'world.py', 'frozen.py', 'freeze.py', 'splits.py', 'trivial.py'}
_REFERENCE = dict(seed=0, split=2, number=1, frames=1, interval=0.5, size=(48, 80))


def source_hash():
    """SHA-256 of the files that decide what a scene looks like."""
    digest = hashlib.sha256()
    for path in sorted(HERE.glob('*.py')):
        if path.name not in _NOT_GENERATING:
            digest.update(path.name.encode() + b'\0' + path.read_bytes().replace(b'\r\n', b'\n') + b'\0')
    return digest.hexdigest()


def generator():
    """The name of what draws worlds now: that of the record if the sources are the record's, else their hash."""
    frozen, sources = json.loads(RECORD.read_text()), source_hash()
    return frozen['generator'] if frozen['sources'] == sources else sources


def fingerprint(preset):
    """Numbers that sum up a reference scene: per camera the median depth (metres) and grey value of 12 blocks, then
    the number of LiDAR points and the median of their ranges (metres).
    """
    scene = Scene(preset=preset, **_REFERENCE)
    world, ego2world = scene.world(0.0)
    renderer = Renderer(world, scene.look)
    numbers = []
    for camera in scene.rig.cameras:
        image, depth = renderer.image(camera, ego2world @ camera.cam2ego, np.random.default_rng(0))
        for values in (depth, image.mean(2)):
            blocks = values.reshape(3, 16, 4, 20).transpose(0, 2, 1, 3).reshape(12, -1)
            numbers += np.median(blocks, 1).round(2).tolist()
    points = scan(world, ego2world @ scene.rig.lidar2ego, scene.look.haze, np.random.default_rng(0))
    return numbers + [len(points), float(np.median(np.linalg.norm(points[:, :3], axis=1)).round(2))]


def record(name=None):
    """What ``frozen.json`` should hold now, the generator under another name than the hash of its sources, or not."""
    sources = source_hash()
    return dict(
        generator=name or sources,
        sources=sources,
        splits=DEFAULTS,
        fingerprints={preset: fingerprint(preset) for preset in DEFAULTS},
    )
