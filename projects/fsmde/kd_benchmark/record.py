"""What is kept of a finished run: a small file that tables are made of, also long after its checkpoint is gone."""

import csv
import json
import math
import os.path as osp

import numpy as np

from fsmde.evaluation.result_files import CSV_NAME, read_results
from fsmde.output_files import write_text
from fsmde.plain_data import read_json

SCHEMA = 'fsmde.kd_benchmark/1'
#: Errors, less is better, that a gain is averaged over; the last is 1 - delta1.
ERRORS = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', '1-d1')
#: The measure of cross-view consistency beside the protocols.
CONSISTENCY = 'consistency'


def figures_of(results_path) -> dict:
    """The figures of an evaluation, in a few ten kB.

    Args:
        results_path: A results.json, with per_image.csv beside it.

    Returns:
        ``dataset``, ``frames``, ``versions``; ``protocols``: settings, overall figures in each mode and by region;
        ``consistency``: overall; ``scenes``: by protocol, and for :data:`CONSISTENCY`, what paired comparisons need, see
        :class:`fsmde.kd_benchmark.gains.Cells`.
    """
    results = read_results(results_path)
    protocols = {
        name: dict(
            settings=entry['settings'],
            overall={mode: figures['overall']['all'] for mode, figures in entry['modes'].items()},
            regions=entry['modes']['metric']['overall'],
        )
        for name, entry in results['protocols'].items()
    }
    scenes = _scenes_of_images(osp.join(osp.dirname(results_path), CSV_NAME))
    consistency = results['consistency'].get('occlusion_tested')
    if consistency:
        cells = {
            (scene, pair): (f['frames'], [f['abs_rel']])
            for scene, pairs in consistency['scenes'].items()
            for pair, f in pairs.items()
        }
        scenes[CONSISTENCY] = _table(cells, ['abs_rel'])
    content = dict(
        dataset=results['dataset'],
        frames=results['frames'],
        versions=results['versions'],
        protocols=protocols,
        consistency=consistency and consistency['overall'],
        scenes=scenes,
    )
    return _rounded(content)


def errors_of(figures) -> list:
    """:data:`ERRORS` of one set of figures, numbers or their text, by the names of an evaluation."""
    return [*[float(figures[name]) for name in ERRORS[:-1]], 1 - float(figures['d1'])]


def _scenes_of_images(path):
    """By protocol, the mean errors in metric scale of each scene's and camera's images."""
    values = {}
    with open(path, newline='') as file:
        for row in csv.DictReader(file):
            if row['mode'] == 'metric':
                cells = values.setdefault(row['protocol'], {})
                cells.setdefault((row['scene'], row['camera']), []).append(errors_of(row))
    tables = {}
    for protocol, cells in values.items():
        known = {key: [image for image in images if not math.isnan(image[0])] for key, images in cells.items()}
        means = {key: np.mean(images, 0).tolist() if images else None for key, images in known.items()}
        tables[protocol] = _table({key: (len(known[key]), means[key]) for key in cells}, list(ERRORS))
    return tables


def _table(cells, errors):
    scenes, cameras = (list(dict.fromkeys(names)) for names in zip(*cells))
    return dict(
        errors=errors,
        scenes=scenes,
        cameras=cameras,
        images=[[cells[scene, camera][0] for camera in cameras] for scene in scenes],
        means=[[cells[scene, camera][1] for camera in cameras] for scene in scenes],
    )


def _rounded(value):
    """Six digits are enough for any table; an unknown figure becomes null."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f'{value:.6g}') if math.isfinite(value) else None
    return value


def write_json(path, content) -> None:
    """Write plain data; the file appears under its name when it is complete."""
    write_text(path, json.dumps(content, ensure_ascii=False) + '\n')


def read_record(path) -> dict:
    """Read a run's record.

    Raises:
        ValueError: If the file is none.
    """
    try:
        record = read_json(path)
    except ValueError as error:
        raise ValueError(f'{error}. Remove it, and the run is made again') from error
    if not isinstance(record, dict) or record.get('schema') != SCHEMA:
        raise ValueError(f'{path} is no record of schema {SCHEMA!r}: move it away, and the run is made again')
    return record
