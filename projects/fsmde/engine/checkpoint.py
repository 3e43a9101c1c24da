"""Checkpoints: writing that survives a kill, and honest loading."""

import difflib
import os
import os.path as osp
import re

import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.model import BaseModel, PretrainedInit, update_init_info
from mmengine.runner.checkpoint import CheckpointLoader
from safetensors.torch import load_file

from fsmde.output_files import write_bytes
from fsmde.weight_files import file_of_weights, load_weights

#: In names of tensors: what is no part of the student, wherever that is in a model.
OF_DISTILLERS = r'(^|\.)distillers\.'


def load_checkpoint_file(path: str, read=load_weights) -> dict:
    """Read a checkpoint to the CPU, weights only; by ``safetensors.torch.load_file`` one of that kind.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is cut, no checkpoint, or holds objects that no checkpoint of ours needs.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(f'no checkpoint at {path}')
    try:
        checkpoint = read(path)
    except Exception as error:  # torch raises runtime, EOF, pickle and zip errors for files that are cut or hostile.
        raise ValueError(
            f'{path} cannot be loaded as weights: it is cut, no checkpoint, or not safe: {error}'
        ) from error
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{path} holds a {type(checkpoint).__name__}, no checkpoint')
    return checkpoint


def state_of(checkpoint: dict) -> dict:
    """Tensors by name of a checkpoint, or of a bare state dict, without the prefix of a wrapper of DDP."""
    state = checkpoint.get('state_dict', checkpoint)
    return {re.sub(r'^module\.', '', key): value for key, value in state.items()}


def check_student_checkpoint(model, path: str) -> None:
    """Raise unless the checkpoint fits the model key by key: mmengine itself only warns and goes on with random weights.

    Args:
        model: The student, in a wrapper of DDP or not. Parts of distillers are not compared.
        path: Checkpoint file.

    Raises:
        ValueError: Names the first keys that are missing, unknown or of another shape.
    """
    checkpoint = load_checkpoint_file(path)
    state = state_of(checkpoint)
    model = getattr(model, 'module', model)
    own, state = (
        {key: value for key, value in tensors.items() if not re.search(OF_DISTILLERS, key)}
        for tensors in (model.state_dict(), state)
    )
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


def check_something_fits(model, path: str) -> None:
    """Raise ValueError if a ``load_from`` holds nothing of the model: mmengine only warns, and trains random weights."""
    state = state_of(CheckpointLoader.load_checkpoint(path, 'cpu', logger='current'))
    own = getattr(model, 'module', model).state_dict()
    if not any(key in own and own[key].shape == getattr(value, 'shape', None) for key, value in state.items()):
        raise ValueError(
            f'load_from={path} holds weights of another model: none of its {len(state)} tensors, such as '
            f'{next(iter(state), "none")}, fits the config, whose model has {next(iter(own), "none")}. A part of the model '
            "begins with weights of its own by init_cfg=dict(type='Pretrained', checkpoint=...)"
        )


def check_resumable(path: str) -> None:
    """Raise unless a checkpoint says where its run was: training goes on from an epoch, not from weights alone.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If something that a run goes on from is missing, or a weight is not finite.
    """
    checkpoint = load_checkpoint_file(path)
    meta = checkpoint.get('meta')
    missing = [key for key in ('epoch', 'iter') if not isinstance(meta, dict) or key not in meta]
    missing += [key for key in ('state_dict', 'message_hub', 'optimizer') if key not in checkpoint]
    if missing:
        raise ValueError(
            f'{path} has no {", ".join(missing)}: it holds weights and no state of a run, as published and best '
            f'checkpoints do. Resume from an epoch_*.pth, or begin with these weights: --cfg-options load_from={path}'
        )
    broken = not_finite(checkpoint['state_dict'])
    if broken:
        raise ValueError(
            f'{path} cannot be resumed: {len(broken)} of its tensors are not finite, such as {broken[0]}. Name an '
            'earlier checkpoint'
        )


def not_finite(state, name: str = '') -> list:
    """Dotted names of the tensors in nested dicts and lists that hold NaN or infinity."""
    if isinstance(state, torch.Tensor):
        return [] if torch.isfinite(state).all() else [name]
    items = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, (list, tuple)) else ()
    return [found for key, value in items for found in not_finite(value, f'{name}.{key}'.lstrip('.'))]


def find_latest_checkpoint(work_dir: str) -> str:
    """Path of the ``epoch_*.pth`` or ``iter_*.pth`` with the largest number in a work directory, None if there is none.

    Trusts neither file times, which a copy changes, nor mmengine's ``last_checkpoint`` file, which a kill may leave empty.

    Raises:
        ValueError: If there are both kinds, whose numbers do not compare.
    """
    found = _matching(r'(epoch|iter)_(\d+)\.pth', work_dir)
    if len({match[1] for match in found}) > 1:
        raise ValueError(f'{work_dir} holds both epoch_*.pth and iter_*.pth: name the one to go on from')
    return osp.join(work_dir, max(found, key=lambda match: int(match[2]))[0]) if found else None


def holds_checkpoints(work_dir: str) -> bool:
    """Whether a run has saved something in a work directory, if only its best checkpoint."""
    return bool(_matching(r'(best_.+_)?(epoch|iter)_\d+\.pth', work_dir))


def _matching(pattern, folder):
    names = os.listdir(folder) if osp.isdir(folder) else []
    return [match for match in map(re.compile(pattern).fullmatch, names) if match]


def _may_be_resumed(work_dir):
    try:
        return bool(find_latest_checkpoint(work_dir))
    except (OSError, ValueError):  # Nobody asked for it: it may be shut, or hold both kinds.
        return False


def checkpoint_to_resume(work_dir: str) -> str:
    """:func:`find_latest_checkpoint`, where there must be one.

    Raises:
        FileNotFoundError: If there is none; names a folder beside it that is called alike.
    """
    found = find_latest_checkpoint(work_dir)
    if found:
        return found
    parent, name = osp.split(osp.abspath(work_dir))
    entries = os.listdir(parent) if osp.isdir(parent) else []
    beside = [entry for entry in entries if _may_be_resumed(osp.join(parent, entry))]
    near = difflib.get_close_matches(name, beside, 1)
    raise FileNotFoundError(
        f'nothing to resume: {work_dir} {"has no epoch_*.pth or iter_*.pth" if osp.isdir(work_dir) else "is not there"}'
        + (f'; did you mean {osp.join(parent, near[0])}?' if near else '')
        + ' --resume auto begins where there is nothing'
    )


def remove_leftovers(folder: str) -> None:
    """Remove the temporary files of :class:`AtomicBackend` that killed processes left; nobody may be writing there."""
    for name in os.listdir(folder) if osp.isdir(folder) else ():
        if re.fullmatch(r'.+\.pth\.[a-z0-9_]{8}\.tmp', name):
            os.unlink(osp.join(folder, name))


class AtomicBackend(LocalBackend):
    """mmengine's local files, but written to a temporary name and renamed: a kill while saving leaves the old file.

    Used by :class:`AtomicCheckpointHook`. A kill leaves at most a file named ``<name>.*.tmp``, which
    the next training in the folder removes.
    """

    def put(self, obj: bytes, filepath) -> None:
        """Write bytes.

        Raises:
            OSError: If they cannot be written, a full disk among others; no partial file is left.
        """
        write_bytes(filepath, obj)


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location=None):
    """mmengine's loader of local files (``load_from``, ``init_cfg``): published models, too, and weights only."""
    path = str(file_of_weights(osp.expanduser(filename)))
    checkpoint = load_checkpoint_file(path, load_file if path.endswith('.safetensors') else load_weights)
    # Tensors alone: mmengine itself loads them, and its EMAHook does not.
    bare = all(isinstance(value, torch.Tensor) for value in checkpoint.values())
    return dict(state_dict=checkpoint) if bare else checkpoint


def load_pretrained(self, module) -> None:
    """mmengine's ``init_cfg=dict(type='Pretrained', ...)``, but weights of another network are an error, not a warning.

    What is in the file and not in the module is passed over, such as a classifier. A whole model must be in the file. Of a
    part, such as a backbone, a fifth may be missing, which keeps its first values: the offsets of deformable convolutions.

    Raises:
        ValueError: If a tensor has another shape, or too many are missing.
    """
    file = f'{self.checkpoint} with prefix={self.prefix!r}' if self.prefix else f'{self.checkpoint}'
    asked = f'init_cfg of {type(module).__name__}: {file}'
    checkpoint = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location, logger='current')
    found = state_of(checkpoint) if isinstance(checkpoint, dict) else {}
    prefix, names = f'{self.prefix.rstrip(".")}.' if self.prefix else '', list(found)
    state = {name[len(prefix) :]: value for name, value in found.items() if name.startswith(prefix)}
    try:
        absent = module.load_state_dict(state, strict=False).missing_keys
    except RuntimeError as error:  # One line for each tensor of another shape, behind a title.
        wrong = str(error).splitlines()[1:]
        raise ValueError(
            f'{asked} holds weights of another network: {len(wrong)} tensors have other shapes, such as {wrong[0].strip()}'
        ) from error
    # Files of torch before 0.4.1 count no batches.
    optional = re.compile(OF_DISTILLERS + r'|(^|\.)num_batches_tracked$')
    wanted = [name for name in module.state_dict() if not optional.search(name)]
    absent = [name for name in absent if not optional.search(name)]
    if len(absent) > (0 if isinstance(module, BaseModel) else len(wanted) / 5):
        raise ValueError(
            f'{asked} holds weights of another network, or under another prefix: {len(absent)} of {len(wanted)} tensors '
            f'are missing, such as {", ".join(absent[:2])}; the file has {", ".join(names[:2]) or "no tensors"}'
        )
    if hasattr(module, '_params_init_info'):
        update_init_info(module, init_info=self._get_init_info())


# Changed and not replaced: mmengine asks whether a type is this class, and configs name it as a string or as the class.
PretrainedInit.__call__ = load_pretrained
register_backend('atomic', AtomicBackend, force=True)
