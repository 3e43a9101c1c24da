"""A DGP index of any size from one scene, to measure what grows with a data set."""

import json
from pathlib import Path

from fsmde.plain_data import read_json

#: DDAD's training split: 12,650 frames in 150 scenes.
FRAMES_OF_A_SCENE = 84


def write_repeated_index(root, frames: int, folder) -> None:
    """Write an index whose scenes repeat the frames of the first training scene under ``root``.

    The scenes have 84 frames each, as DDAD's have in the mean; the last one has what is left. Images and clouds are not
    copied: ``folder`` links to them.

    Args:
        root: Root of a data set in DGP format, with ``ddad.json``.
        frames: Frames of the index.
        folder: Existing empty directory, the root of the new data set.
    """
    root, folder = Path(root).resolve(), Path(folder)
    splits = read_json(root / 'ddad.json')['scene_splits']
    scene_file = root / splits[min(splits)]['filenames'][0]
    scene = read_json(scene_file)
    files = []
    for number, first in enumerate(range(0, frames, FRAMES_OF_A_SCENE)):
        target = folder / f'{number:06d}'
        target.mkdir()
        for child in scene_file.parent.iterdir():
            if child.is_dir():
                (target / child.name).symlink_to(child)
        content = _repeat(scene, min(FRAMES_OF_A_SCENE, frames - first))
        (target / scene_file.name).write_text(json.dumps(content))
        files.append(f'{target.name}/{scene_file.name}')
    entry = dict(filenames=files)
    (folder / 'ddad.json').write_text(json.dumps(dict(scene_splits=dict.fromkeys('012', entry))))


def _repeat(scene, frames):
    """A scene of so many samples, with keys of their own."""
    by_key = {datum['key']: datum for datum in scene['data']}
    samples, data = [], []
    for number in range(frames):
        sample = scene['samples'][number % len(scene['samples'])]
        copies = [dict(by_key[key], key=f'{key}-{number}') for key in sample['datum_keys']]
        samples.append(dict(sample, datum_keys=[datum['key'] for datum in copies]))
        data += copies
    return dict(scene, samples=samples, data=data)
