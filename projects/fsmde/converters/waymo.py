"""Waymo Open Dataset, Perception v2 (parquet), into DGP format: JPEGs as they are, one LiDAR file a frame.

A parquet file of Waymo holds one component of a segment in one row group, so that reading a frame means reading the
segment: 1.7 s for a sweep (waymo-open-dataset, issue 841). So it is unpacked once.
"""

import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from mmengine.logging import MMLogger

from fsmde.concurrency import end_with_parent
from fsmde.plain_data import read_json

from .waymo_segment import Segment, write_json

#: Folders of the data set by the split's number in DGP's index.
SPLITS = dict(training='0', validation='1', testing='2')
INDEX = 'waymo.json'


def convert_waymo(source, out, splits=('training', 'validation'), every: int = 1, jobs: int = 1) -> Path:
    """Unpack segments and write the index ``waymo.json``, for :class:`fsmde.datasets.WaymoSurroundDataset`.

    Segments that are there already are left as they are. One that is being written is in a hidden folder until it is
    complete, so that an interrupted conversion goes on where it stopped.

    Args:
        source: Folder with ``training``, ``validation`` and ``testing``, of which each component is a folder.
        out: Folder to write.
        splits: Those to convert, keys of :data:`SPLITS`.
        every: Each how manieth frame of a segment (10 Hz) is kept.
        jobs: Number of processes; one takes 1.2 GB for a segment of 199 frames.

    Returns:
        The index.

    Raises:
        ImportError: Without pyarrow.
        FileNotFoundError, ValueError: If a component is absent, cut or lacks a column; names the file. Or if a segment
            is there with another ``every``.
    """
    source, out = Path(source), Path(out)
    unknown = set(splits) - set(SPLITS)
    if unknown or every < 1:
        raise ValueError(f'splits are {list(SPLITS)} and every is at least 1, found {list(splits)} and {every}')
    tasks = []
    for split in splits:
        files = sorted((source / split / 'camera_image').glob('*.parquet'))
        if not files:
            raise FileNotFoundError(f'{source / split / "camera_image"} holds no .parquet file')
        tasks += [(source / split, out / split, file.stem, every) for file in files]
    if jobs == 1:
        kept = [_convert_segment(*task) for task in tasks]
    else:
        with ProcessPoolExecutor(jobs, get_context('spawn'), end_with_parent) as pool:
            kept = list(pool.map(_convert_segment, *zip(*tasks)))
    MMLogger.get_current_instance().info(f'{out}: {sum(kept)} frames of {len(tasks)} segments')
    scenes = {
        number: sorted(path.relative_to(out).as_posix() for path in out.glob(f'{split}/[!.]*/scene.json'))
        for split, number in SPLITS.items()
    }
    index = dict(metadata=dict(name='waymo'), scene_splits={n: dict(filenames=files) for n, files in scenes.items()})
    write_json(out / INDEX, index)
    return out / INDEX


def _convert_segment(source, out, segment, every):
    """Write a segment unless it is there, and return how many frames it has."""
    folder = out / segment
    if folder.is_dir():
        scene = read_json(folder / 'scene.json')
        if scene['metadata']['every'] != every:
            raise ValueError(f'{folder} was converted with every={scene["metadata"]["every"]}: use another folder')
        return len(scene['samples'])
    partial = out / f'.{segment}.partial'
    shutil.rmtree(partial, ignore_errors=True)
    try:
        count = Segment(source, segment, every).write(partial)
        os.rename(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return count
