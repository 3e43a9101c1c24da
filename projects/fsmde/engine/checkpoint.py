"""Checkpoints: what may be unpickled, writing that survives a kill, and honest loading."""

import glob
import os.path as osp
import pickle
import re

import numpy as np
import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging.history_buffer import HistoryBuffer

from fsmde.output_files import write_bytes

HISTORY_STATISTICS = ('min', 'max', 'current', 'mean')


def restricted_getattr(owner, name):
    """Stands in for ``getattr`` in checkpoints, where HistoryBuffer pickles its own statistics through it."""
    if owner is not HistoryBuffer or name not in HISTORY_STATISTICS:
        raise pickle.UnpicklingError(f'a checkpoint asks for attribute {name!r} of {owner!r}: refused')
    return getattr(HistoryBuffer, name)


def allow_mmengine_checkpoints() -> None:
    """Let ``torch.load(weights_only=True)`` read what mmengine saves: HistoryBuffer and numpy numbers, nothing else.

    mmengine 0.10.7 cannot reload its own checkpoints on torch >= 2.6 without it.
    """
    multiarray = np.core.multiarray
    dtypes = {type(np.dtype(name)) for name in ('float64', 'float32', 'int64', 'int32', 'bool', 'uint8')}
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            (restricted_getattr, 'builtins.getattr'),
            np.ndarray,
            np.dtype,
            *dtypes,
            (multiarray._reconstruct, 'numpy.core.multiarray._reconstruct'),
            (multiarray._reconstruct, 'numpy._core.multiarray._reconstruct'),
            (multiarray.scalar, 'numpy.core.multiarray.scalar'),
            (multiarray.scalar, 'numpy._core.multiarray.scalar'),
        ]
    )


def load_checkpoint_file(path: str) -> dict:
    """Read a checkpoint to the CPU, weights only.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is cut, no checkpoint, or holds objects that no checkpoint of ours needs.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(f'no checkpoint at {path}')
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # torch raises runtime, EOF, pickle and zip errors for files that are cut or hostile.
        raise ValueError(
            f'{path} cannot be loaded as weights: it is cut, no checkpoint, or not safe: {error}'
        ) from error
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{path} holds a {type(checkpoint).__name__}, no checkpoint')
    return checkpoint


def check_student_checkpoint(model, path: str) -> None:
    """Raise unless the checkpoint fits the model key by key: mmengine itself only warns and goes on with random weights.

    Args:
        model: The student, in a wrapper of DDP or not. Parts of distillers are not compared.
        path: Checkpoint file.

    Raises:
        ValueError: Names the first keys that are missing, unknown or of another shape.
    """
    checkpoint = load_checkpoint_file(path)
    state = checkpoint.get('state_dict', checkpoint)
    state = {re.sub(r'^module\.', '', key): value for key, value in state.items()}
    model = getattr(model, 'module', model)
    own = {key: value for key, value in model.state_dict().items() if not key.startswith('distillers.')}
    state = {key: value for key, value in state.items() if not key.startswith('distillers.')}
    wrong = [f'{key} is missing' for key in own.keys() - state.keys()]
    wrong += [f'{key} is not in the model' for key in state.keys() - own.keys()]
    wrong += [
        f'{key} is {tuple(state[key].shape)}, the model has {tuple(own[key].shape)}'
        for key in own.keys() & state.keys()
        if state[key].shape != own[key].shape
    ]
    if wrong:
        raise ValueError(
            f'{path} is of another architecture than the config: {len(wrong)} keys differ, such as '
            + '; '.join(sorted(wrong)[:4])
        )


def find_latest_checkpoint(work_dir: str) -> str:
    """Path of the newest ``epoch_*.pth`` or ``iter_*.pth`` in a work directory, None if there is none.

    Does not trust mmengine's ``last_checkpoint`` file, which a kill may leave empty.
    """
    found = [(osp.getmtime(path), path) for path in glob.glob(osp.join(work_dir, '*.pth'))]
    found = [item for item in found if re.fullmatch(r'(epoch|iter)_\d+\.pth', osp.basename(item[1]))]
    return max(found)[1] if found else None


class AtomicBackend(LocalBackend):
    """mmengine's local files, but written to a temporary name and renamed: a kill while saving leaves the old file.

    Used by :class:`AtomicCheckpointHook`. A kill leaves at most a file named ``<name>.*.tmp``, which may be deleted.
    """

    def put(self, obj: bytes, filepath) -> None:
        """Write bytes.

        Raises:
            OSError: If they cannot be written, a full disk among others; no partial file is left.
        """
        write_bytes(filepath, obj)


register_backend('atomic', AtomicBackend, force=True)
allow_mmengine_checkpoints()
