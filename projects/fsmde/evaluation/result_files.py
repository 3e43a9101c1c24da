"""What an evaluation leaves behind: results.json and a csv of all images, and where the figures come from."""

import csv
import hashlib
import io
import json
import math
import os.path as osp
import platform
import subprocess

import mmengine
import numpy as np
import torch

import fsmde
from fsmde.output_files import write_text
from fsmde.plain_data import read_json

from .functional import METRICS

#: Written into every results.json; docs/evaluation.md describes it.
SCHEMA = 'fsmde.evaluation/1'
CSV_NAME = 'per_image.csv'
CSV_COLUMNS = ('index', 'frame_id', 'scene', 'camera', 'protocol', 'mode', 'pixels', 'non_finite', *METRICS)


def describe_run(config: str, checkpoint: str, flip_augmentation: bool = False) -> dict:
    """The ``run`` of :class:`fsmde.evaluation.SurroundDepthMetric` for a checkpoint on this disk, with its sha256."""
    return dict(
        config=config,
        checkpoint=checkpoint,
        checkpoint_sha256=hash_of_file(checkpoint),
        flip_augmentation=flip_augmentation,
    )


def hash_of_file(path: str) -> str:
    """A file's sha256 in hex."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def versions() -> dict:
    """Versions of what computed the figures, and the commit of this code if it is a git checkout."""
    return dict(
        fsmde=fsmde.__version__,
        git_commit=_commit(),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        mmengine=mmengine.__version__,
    )


def _commit():
    """The commit of this code; None where it is in no repository, or lies in one of somebody else, or git is not there."""
    git = 'git', '-C', osp.dirname(__file__)
    try:
        subprocess.run([*git, 'ls-files', '--error-unmatch', osp.basename(__file__)], capture_output=True, check=True)
        head = subprocess.run([*git, 'rev-parse', 'HEAD'], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip()


def write_results(results: dict, images: list, folder: str) -> None:
    """Write ``results.json`` and ``per_image.csv`` into a folder; a figure that is unknown (NaN) becomes null."""
    table = io.StringIO(newline='')
    csv.writer(table).writerows([CSV_COLUMNS, *images])
    write_text(osp.join(folder, CSV_NAME), table.getvalue())
    # The last: where there is a results.json, the csv is whole.
    write_text(osp.join(folder, 'results.json'), json.dumps(_without_nan(results), indent=1))


def read_results(path: str) -> dict:
    """Read a results.json.

    Raises:
        FileNotFoundError, ValueError: If the file is absent or no results.json of this schema.
    """
    results = read_json(path)
    found = results.get('schema') if isinstance(results, dict) else None
    if found != SCHEMA:
        raise ValueError(f'{path}: expected a results.json with schema {SCHEMA!r}, found {found!r}')
    return results


def _without_nan(value):
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
