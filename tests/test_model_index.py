"""The model index names what is there, and says no more than the records do."""

import json
from pathlib import Path

import pytest
import yaml

import fsmde

ROOT = Path(__file__).parent.parent
INDEX = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
FILES = {path: yaml.safe_load((ROOT / path).read_text()) for path in INDEX}
MODELS = [model for content in FILES.values() for model in content['Models']]
PROTOCOLS = {'LiDAR': 'fsmde', 'dense depth': 'fsmde_dense'}
KEYS = dict(AbsRel='abs_rel', RMSE='rmse', d1='d1')


def test_every_config_to_train_is_listed_once():
    assert set(INDEX) == {str(path.relative_to(ROOT)) for path in (ROOT / 'configs').rglob('metafile.yml')}
    listed = [model['Config'] for model in MODELS]
    assert len(listed) == len(set(listed)) and len(MODELS) == len({model['Name'] for model in MODELS})
    assert all((ROOT / config).is_file() for config in listed)
    folders = [ROOT / 'configs' / name for name in ('.', 'demo', 'realtime', 'realtime/demo', 'realtime/kd')]
    assert {str(path.relative_to(ROOT)) for folder in folders for path in folder.glob('*.py')} <= set(listed)


def test_the_collection_is_this_version():
    (collection,) = FILES['configs/metafile.yml']['Collections']
    assert collection['Code']['Version'] == fsmde.__version__
    assert {model['In Collection'] for model in MODELS} == {collection['Name']}


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model['Name'])
def test_figures_are_those_of_the_records(model):
    if 'Weights' in model:
        assert (ROOT / model['Weights']).is_file(), 'weights come along or not at all'
    records = model['Metadata'].get('Records')
    assert bool(records) == bool(model.get('Results'))
    if not records:
        return
    runs = [json.loads(path.read_text()) for path in (ROOT / records).glob('seed*.json')]
    assert len(runs) == model['Metadata']['Seeds'] and runs[0]['steps'] == model['Metadata']['Training Steps']
    for result in model['Results']:
        protocol = PROTOCOLS[result['Dataset'].removeprefix('fsmde built-in world, ')]
        for name, value in result['Metrics'].items():
            measured = [run['protocols'][protocol]['overall']['metric'][KEYS[name]] for run in runs]
            assert value == pytest.approx(sum(measured) / len(runs), abs=0.0051 if name == 'RMSE' else 0.00051), name
