"""Settings that cannot be meant, and names that lead out of a folder: refused by name, or harmless."""

from pathlib import Path

import numpy as np
import pytest
from attack.contract import check_error, listing
from attack.mutations import is_number, places
from mmdet3d.registry import DATASETS, MODELS
from toy_run import toy_config

from fsmde.engine.config_files import read_config
from fsmde.evaluation.predictions import prediction_path
from fsmde.teacher_cache import TeacherCache
from toy_dgp import write_toy_dgp

DATASET, MODEL = 'train_dataloader.dataset', 'model'
WRONG = dict(a_word='abc', nan=float('nan'), negative=-3, a_list=[[]])


def config(root):
    """The toy training, with settings that its classes leave at their defaults."""
    cfg = toy_config(root)
    cfg.train_dataloader.dataset.update(labelled_fraction=0.5, max_refetch=3)
    cfg.train_dataloader.dataset.pipeline.insert(2, dict(type='mmdet3d.SubsampleLidar', fraction=0.5))
    return cfg


def numbers():
    """Dotted names of the settings of ours that are numbers: mmdet's ResNet answers for itself."""
    tree = config('').to_dict()
    for part in (tree['train_dataloader']['dataset'], tree['model']):
        name = DATASET if part is not tree['model'] else MODEL
        for path in places(part, is_number):
            if 'backbone' not in path:
                yield '.'.join(map(str, (name, *path)))


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp('settings')
    path = folder / 'config.py'
    config(write_toy_dgp(folder / 'toy', samples=1)).dump(path)
    return str(path)


def start(file, name, value):
    """What a training does with a setting before its first iteration."""
    cfg = read_config(file, cfg_options={name: value})
    registry, part = (MODELS, cfg.model) if name.startswith(MODEL) else (DATASETS, cfg.train_dataloader.dataset)
    return registry.build(part)


@pytest.mark.parametrize('kind', WRONG)
@pytest.mark.parametrize('name', numbers())
def test_numbers_that_are_none(file, name, kind):
    setting = [key for key in name.split('.') if not key.isdigit()][-1]
    with pytest.raises(Exception) as caught:
        start(file, name, WRONG[kind])
    check_error(caught.value, [setting])


@pytest.mark.parametrize(
    'name', [DATASET, f'{DATASET}.pipeline.4', MODEL, f'{MODEL}.head', f'{MODEL}.neck', f'{MODEL}.distillers.1']
)
def test_settings_that_nothing_reads(file, name):
    with pytest.raises(Exception) as caught:
        start(file, f'{name}.misspelt', 1)
    check_error(caught.value, ['misspelt'])


@pytest.mark.parametrize(
    'name', ['.', '..', '', '~', 'a\nb', 'C:\\evil', '../../evil', 'a/../../../evil', '/', 'x' * 300]
)
def test_names_stay_in_the_output_folder(tmp_path, name):
    out, views = tmp_path / 'runs' / 'deep' / 'out', [np.zeros((4, 4, 3), np.uint8)]
    (tmp_path / 'evil').mkdir()
    for scene in (name, f'{tmp_path}/evil/{name}'):
        try:
            TeacherCache(out).write(f'{scene}/0000', views, np.eye(3)[None], np.ones((1, 2, 2), np.float32))
            path = Path(prediction_path(str(out), f'{scene}/0000', scene))
        except Exception as error:
            check_error(error, [name])
            continue
        assert out.resolve() in path.resolve().parents
        assert all(Path(file).is_relative_to(out) for file in listing(tmp_path))
