"""By what it is known whether two runs may stand in one table: hashes of config, data and teacher."""

import hashlib
import json
from pathlib import Path

from mmengine.config import Config

from fsmde.evaluation.result_files import hash_of_file
from fsmde.plain_data import read_json
from fsmde.teacher_cache import open_cache
from fsmde.weight_files import file_of_weights

#: Parts of a config that figures follow from. Logs, checkpoints and the seed are not among them.
SECTIONS = (
    'model',
    'train_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'custom_hooks',
    'test_dataloader',
    'test_evaluator',
)
#: Settings that differ between machines, and that no figure follows from.
OF_THE_MACHINE = ('data_root', 'pin_memory')


def short_hash(value) -> str:
    """12 hex digits of the sha256 of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


def fingerprint(cfg: Config) -> dict:
    """What a run's figures follow from beside seed, split and code.

    Args:
        cfg: Config of the run.

    Returns:
        Hashes by name: of each of :data:`SECTIONS` without :data:`OF_THE_MACHINE`, of the ``world`` that
        is evaluated on and the ``training_worlds``, of the ``teacher`` whose cached answers the model names, of all
        ``answers`` that the pipelines of training read, and of the weights that training starts from, ``load_from``;
        None for what is not on this machine.
    """
    plain = cfg.to_dict()
    hashes = {name: short_hash(_without_machine(plain.get(name))) for name in SECTIONS}
    start = file_of_weights(cfg.load_from) if cfg.get('load_from') else None
    training = plain.get('train_dataloader')
    hashes.update(
        world=_hash_of_all([read_world(cfg)]),
        training_worlds=_hash_of_all([_world(root) for root in _settings(training, 'data_root')]),
        load_from='nothing' if not start else hash_of_file(start)[:12] if start.is_file() else None,
        teacher=_hash_of_all([_answers(root) for root in _settings(plain['model'].get('teacher'), 'cache')]),
        answers=_hash_of_all([_answers(root) for root in _settings(training, 'cache')]),
    )
    return hashes


def read_world(cfg: Config) -> dict:
    """Generator and parameters of the built-in world that a config evaluates on; None for other data."""
    return _world(cfg.test_dataloader.dataset.data_root)


def _world(data_root):
    path = Path(data_root, 'world.json')
    return read_json(path) if path.is_file() else None


def _answers(root):
    if not Path(root, 'cache.json').is_file():
        return None
    # Whose they are, not in which folder those lie that a cache in metres has scales for.
    return {key: value for key, value in open_cache(root).description().items() if key != 'answers'}


def _settings(value, key):
    """Values of a key wherever it is in a config, in order."""
    if isinstance(value, dict):
        return [
            found
            for name, item in value.items()
            for found in ([item] if name == key and isinstance(item, str) else _settings(item, key))
        ]
    return [found for item in value for found in _settings(item, key)] if isinstance(value, (list, tuple)) else []


def _hash_of_all(descriptions):
    """One hash; None where there is nothing, or something that is not on this machine: then a change of what is here is
    not seen either. Records that are made depend on it.
    """
    if not descriptions or None in descriptions:
        return None
    return short_hash(descriptions[0] if len(descriptions) == 1 else descriptions)


def differences(found: dict, expected: dict) -> list:
    """Names in which two fingerprints differ, where both are known."""
    return [
        name for name in expected if None not in (found.get(name), expected[name]) and found[name] != expected[name]
    ]


def _without_machine(value):
    if isinstance(value, dict):
        return {key: _without_machine(item) for key, item in value.items() if key not in OF_THE_MACHINE}
    return [_without_machine(item) for item in value] if isinstance(value, (list, tuple)) else value
