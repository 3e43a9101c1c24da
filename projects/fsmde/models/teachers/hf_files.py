"""Whether the files of a model folder are whole: transformers names none, or goes on without."""

import os
import pickle

from safetensors import SafetensorError, safe_open

from fsmde import plain_data
from fsmde.weight_files import load_weights

_LFS = b'version https://git-lfs'
_CONFIGS = ('config.json', 'preprocessor_config.json', 'processor_config.json')
#: In transformers' order of preference.
_WEIGHTS = ('model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json')


def find_folder(model: str) -> str:
    """The folder with a model's ``config.json``: the model itself, or where the hub's cache holds it; None if nowhere."""
    if os.path.isdir(model):
        return model
    if os.path.exists(model):
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, 'config.json')
    except HFValidationError:
        return None
    return os.path.dirname(found) if isinstance(found, str) else None


def check_files(folder: str) -> None:
    """Raise if a config or the weights in a folder in ``save_pretrained`` format are empty, cut, or something else.

    Looks at the files that transformers would read, as far as they are there.

    Raises:
        FileNotFoundError: If a file of weights that an index names is absent.
        ValueError: If a file is a git-lfs pointer, empty, cut, or of another kind; names it.
    """
    for name in _CONFIGS:
        if os.path.isfile(path := os.path.join(folder, name)):
            read_json(path)
    for name in _WEIGHTS:
        if os.path.isfile(path := os.path.join(folder, name)):
            for file in _shards(path) if name.endswith('.json') else [path]:
                check_weights(file)
            return


def check_weights(path: str) -> None:
    """Raise a ValueError if a file of weights is a git-lfs pointer, empty or cut; keeps no tensor in memory."""
    _check_start(path)
    try:
        if path.endswith('.safetensors'):
            with safe_open(path, framework='pt'):
                pass
        else:
            load_weights(path, 'meta')
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(
            f'{path} ({os.path.getsize(path)} bytes) is cut short or holds more than tensors: {error}. Download it again'
        ) from error


def _shards(index: str) -> list:
    """Paths of the files that an index of weights names."""
    files = read_json(index).get('weight_map')
    if not isinstance(files, dict) or not all(isinstance(file, str) for file in files.values()):
        raise ValueError(f"{index} has no 'weight_map' from tensors to files. Download it again")
    paths = [os.path.join(os.path.dirname(index), file) for file in sorted(set(files.values()))]
    for path in paths:
        if not os.path.isfile(path):
            raise FileNotFoundError(f'{index} names {os.path.basename(path)}, which is not beside it. Download it too')
    return paths


def read_json(path: str) -> dict:
    """A json file that holds an object.

    Raises:
        ValueError: If it does not; names the file.
    """
    _check_start(path)
    try:
        found = plain_data.read_json(path)
    except ValueError as error:
        raise ValueError(f'{error}. Download it again') from error
    if not isinstance(found, dict):
        raise ValueError(f'{path} holds a {type(found).__name__}, expected an object. Download it again')
    return found


def _check_start(path: str) -> None:
    with open(path, 'rb') as file:
        start = file.read(len(_LFS))
    if start == _LFS:
        raise ValueError(
            f'{path} is a pointer of git-lfs, not the file: run `git lfs install && git lfs pull` in its folder, or '
            'download it with `hf download`'
        )
    if not start:
        raise ValueError(f'{path} is empty. Download it again')
