"""Files of torch, read as weights only: what may be unpickled, on every version of torch that setup.py allows."""

import _codecs
import collections
import pickle
import tarfile
import types
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from pathlib import Path

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer

HISTORY_STATISTICS = ('min', 'max', 'current', 'mean')


def restricted_getattr(owner, name):
    """Stands in for ``getattr`` in checkpoints, where HistoryBuffer pickles its own statistics through it."""
    if owner is not HistoryBuffer or name not in HISTORY_STATISTICS:
        raise pickle.UnpicklingError(f'a checkpoint asks for attribute {name!r} of {owner!r}: refused')
    return getattr(HistoryBuffer, name)


_ARRAYS = np.core.multiarray
#: What mmengine's checkpoints hold beside weights, by itself or with the name that it is pickled under.
ALLOWED = (
    HistoryBuffer,
    (restricted_getattr, 'builtins.getattr'),
    np.ndarray,
    np.dtype,
    *{type(np.dtype(name)) for name in ('float64', 'float32', 'int64', 'int32', 'bool', 'uint8')},
    (_ARRAYS._reconstruct, 'numpy.core.multiarray._reconstruct'),
    (_ARRAYS._reconstruct, 'numpy._core.multiarray._reconstruct'),
    (_ARRAYS.scalar, 'numpy.core.multiarray.scalar'),
    (_ARRAYS.scalar, 'numpy._core.multiarray.scalar'),
)
# Before 2.6 torch's own unpickler takes no names for what is allowed, calls no classes that it is told of before 2.4, and
# runs the code of a TorchScript archive (CVE-2025-32434).
_TORCH_DOES_IT = torch.__version__ >= (2, 6)
#: Of a published model's folder.
WEIGHTS = 'model.safetensors'


def file_of_weights(path) -> Path:
    """The file that a path means: of the folder of a published model its weights."""
    path = Path(path)
    return path / WEIGHTS if path.is_dir() else path


def load_weights(path, map_location='cpu'):
    """``torch.load`` with ``weights_only=True``: tensors, plain python values and :data:`ALLOWED`, and nothing else runs.

    Raises:
        Exception: Of torch, pickle or zipfile where the file is cut, holds anything else, or is no file of torch.
    """
    if _TORCH_DOES_IT:
        return torch.load(path, map_location=map_location, weights_only=True)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith('/constants.pkl') for name in archive.namelist()):
                raise pickle.UnpicklingError('a TorchScript archive is code, not weights')
    elif tarfile.is_tarfile(path):
        raise pickle.UnpicklingError('a file of torch 0.1, which is a tar archive, cannot be read safely')
    return torch.load(path, map_location=map_location, weights_only=False, pickle_module=_PICKLE)


def _allowed_names() -> dict:
    """Dotted name in a pickle -> object: torch's own list, what later versions of it added, and ours."""
    names = {f'builtins.{kind.__name__}': kind for kind in (set, complex, bytearray)}
    pairs = [entry if isinstance(entry, tuple) else (entry, _name_of(entry)) for entry in ALLOWED]
    later = (_codecs.encode, collections.Counter, torch.device, torch._utils._rebuild_parameter_with_state)
    names.update({_name_of(entry): entry for entry in later})
    names.update({f'torch.{kind}': getattr(torch, kind) for kind in ('bool', 'uint8', 'bfloat16')})
    return {**torch._weights_only_unpickler._get_allowed_globals(), **names, **{name: entry for entry, name in pairs}}


def _name_of(entry) -> str:
    return f'{entry.__module__}.{entry.__qualname__}'


class _Unpickler(pickle._Unpickler):
    """Python's own, which finds and fills nothing but what is allowed. For torch before 2.6."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module, name):
        # Pickles of protocol 2, which torch writes, call modules by their names in Python 2.
        module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        if f'{module}.{name}' not in _NAMES:
            raise pickle.UnpicklingError(f'{module}.{name} is not allowed among weights')
        return _NAMES[f'{module}.{name}']

    def load_build(self):
        # Objects of allowed types; filling a class or a function would change it for the whole process.
        if type(self.stack[-2]) not in _NAMES.values():
            raise pickle.UnpicklingError(f'a state for a {type(self.stack[-2]).__name__} is not allowed among weights')
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build


if _TORCH_DOES_IT:
    torch.serialization.add_safe_globals(list(ALLOWED))
else:
    _NAMES = _allowed_names()
    _PICKLE = types.SimpleNamespace(
        __name__=__name__, Unpickler=_Unpickler, load=lambda file, **options: _Unpickler(file, **options).load()
    )
