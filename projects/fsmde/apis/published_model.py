"""A published model: a folder of ``config.json``, ``model.safetensors`` and ``README.md`` that needs nothing else.

Nothing in it is executed or unpickled, and nothing outside of it is read.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fsmde.models.architecture import build_architecture, check_architecture
from fsmde.plain_data import brief, check_keys
from fsmde.structures import DEPTH_SPACES, METRIC
from fsmde.weight_files import WEIGHTS

VERSION = 1
CONFIG, CARD = 'config.json', 'README.md'
FILES = (CONFIG, WEIGHTS, CARD)
#: Fields of config.json, all of which must be there but for ``space``, which folders of before do not have.
FIELDS = ('fsmde_model', 'model', 'input_size', 'cameras', 'origin', 'figures', 'space')
MAX_CONFIG_BYTES, MAX_SIDE = 4 * 2**20, 8192


def write_published(folder, weights: dict, config: dict, card: str) -> Path:
    """Write a published model; the folder appears when it is complete.

    Args:
        folder: Must not be there, or be empty.
        weights: The student's state dict.
        config: Content of config.json, see docs/published_models.md; ``fsmde_model`` is added.
        card: Text of the model card.

    Raises:
        FileExistsError: If something is there already.
        ValueError: If the config is not valid or the weights do not fit it: what is written can be loaded.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f'{folder} is there already: name another folder, or remove it')
    content = json.dumps(dict(fsmde_model=VERSION, **config), indent=2, allow_nan=False)
    _check_config(json.loads(content))
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp('.tmp', f'{folder.name}.', folder.parent))
    try:
        (temporary / CONFIG).write_text(content + '\n', encoding='utf-8')
        (temporary / CARD).write_text(card, encoding='utf-8')
        # clone: safetensors refuses tensors that share memory.
        tensors = {key: value.detach().cpu().contiguous().clone() for key, value in weights.items()}
        save_file(tensors, temporary / WEIGHTS, metadata=dict(format='pt'))
        temporary.chmod(0o755)
        for name in FILES:
            (temporary / name).chmod(0o644)
        if folder.exists():
            folder.rmdir()
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def read_config(folder) -> dict:
    """Read and check the config.json of a published model.

    Raises:
        FileNotFoundError: If the folder is no published model.
        ValueError: If the config is not one that this version knows; names the file and the field.
    """
    folder = Path(folder)
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        pickles = sorted(
            path.name for path in folder.glob('*') if path.suffix in ('.pth', '.pt', '.bin', '.pkl', '.ckpt')
        )
        hint = f'; {pickles} are pickles, which are not read from a published model' if pickles else ''
        raise FileNotFoundError(
            f'{folder} is no published model: {" and ".join(missing)} missing{hint}. '
            'tools/model_converters/publish_model.py writes one'
        )
    path = folder / CONFIG
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError(f'{path.stat().st_size} bytes, at most {MAX_CONFIG_BYTES} are read')
        config = json.loads(path.read_text(encoding='utf-8'), object_pairs_hook=_once)
        _check_config(config)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path}: {error}') from error
    return config


def _once(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'the field {brief(key)} is there twice')
        found[key] = value
    return found


def _check_config(config):
    if not isinstance(config, dict) or 'fsmde_model' not in config:
        raise ValueError('not the config of a published model: the field fsmde_model is missing')
    if config['fsmde_model'] != VERSION:
        raise ValueError(f'fsmde_model: version {brief(config["fsmde_model"])} is unknown, this fsmde reads {VERSION}')
    check_keys(config, FIELDS, 'the config')
    for key, kind in zip(FIELDS[1:-1], (dict, list, list, dict, dict)):
        if not isinstance(config.get(key), kind):
            raise ValueError(f'{key}: expected {kind.__name__}, found {brief(config.get(key))}')
    size = config['input_size']
    if len(size) != 2 or not all(type(side) is int and 32 <= side <= MAX_SIDE for side in size):
        raise ValueError(f'input_size: expected [height, width] from 32 to {MAX_SIDE} pixels, found {brief(size)}')
    if config.get('space', METRIC) not in DEPTH_SPACES:
        raise ValueError(f'space: expected one of {DEPTH_SPACES}, found {brief(config["space"])}')
    if not all(isinstance(name, str) for name in config['cameras']):
        raise ValueError(f'cameras: expected a list of names, found {brief(config["cameras"])}')


def read_published(folder, classes: tuple = ()):
    """Build the model of a folder.

    Args:
        folder: As :func:`write_published` leaves it.
        classes: Classes beyond the allow-list that its architecture may name.

    Returns:
        tuple: :class:`fsmde.models.BinDepthEstimator` on the CPU in eval mode, and the content of config.json.

    Raises:
        FileNotFoundError, ValueError: If it is not complete, not valid, or the weights do not fit; names file and field.
    """
    config, path = read_config(folder), Path(folder) / WEIGHTS
    try:
        with safe_open(path, framework='pt') as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            try:
                count = sum(torch.Size(shape).numel() for shape in shapes.values())
                check_architecture(config['model'], classes)
                model = build_architecture(config['model'], count, classes)
            except ValueError as error:
                raise ValueError(f'{Path(folder) / CONFIG}: {error}') from error
            wrong = differences({key: tuple(value.shape) for key, value in model.state_dict().items()}, shapes)
            if wrong:
                raise ValueError(
                    f'{path} does not fit the architecture in {CONFIG}: {len(wrong)} weights differ, such as '
                    + '; '.join(wrong[:4])
                )
            weights = {key: file.get_tensor(key) for key in shapes}
    except SafetensorError as error:
        raise ValueError(f'{path} is no safetensors file, or cut: {error}') from error
    broken = sorted(key for key, value in weights.items() if not torch.isfinite(value).all())
    if broken:
        raise ValueError(f'{path}: {broken[:4]} hold values that are not finite')
    model.load_state_dict(weights)
    return model.eval(), config


def differences(expected: dict, found: dict) -> list:
    """What is missing, unknown or of another shape: one line a key, of two dicts of shapes by key."""
    wrong = [f'{key} is missing' for key in expected.keys() - found.keys()]
    wrong += [f'{key} is not in the model' for key in found.keys() - expected.keys()]
    both = expected.keys() & found.keys()
    wrong += [f'{k} is {found[k]}, the model has {expected[k]}' for k in both if expected[k] != found[k]]
    return sorted(wrong)
