"""The one way from files to a student."""

import os
import re
from pathlib import Path

import torch
from mmengine.device import get_device

from fsmde.config_types import type_name
from fsmde.deployment.deployable import build_student
from fsmde.engine.checkpoint import check_student_checkpoint, load_checkpoint_file, state_of
from fsmde.engine.config_files import read_config_file
from fsmde.models import BinDepthEstimator
from fsmde.models.losses import ScaleInvariantLoss
from fsmde.structures import METRIC

from .published_model import FILES, read_config, read_published
from .teacher_origin import teacher_of


def load_model(model, checkpoint=None, device=None, revision: str = None, classes: tuple = ()):
    """Load a trained student.

    Args:
        model: The folder of a published model, or its name on the Hugging Face hub (``owner/name``): nothing is executed
            or unpickled. With ``checkpoint``, the config it was trained with, a path or a Config: a config of Python is
            executed, so take it from nobody you do not trust. Of a distilled run the student alone is built.
        checkpoint: A checkpoint of training, or a published ``.pth``. Only weights are unpickled.
        device: Where to; the accelerator by default, if there is one.
        revision: Branch, tag or commit on the hub.
        classes: Classes of your own that a published model is made of.

    Returns:
        :class:`fsmde.models.BinDepthEstimator` in eval mode, with two more attributes: ``input_size``, (H, W) of the
        images that it was trained for (None if the config does not say), and ``description``, the content of the
        published model's config.json; of a config with a checkpoint its ``model`` and ``space``, and of its ``origin`` licence
        and teacher.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is not complete, not valid, or the weights do not fit; names the file and the field or key. If the
            device cannot be used.
    """
    device = _usable(device or get_device())
    if checkpoint is None:
        student, description = read_published(find_published(model, revision), classes)
        student.input_size = tuple(description['input_size'])
        student.description = description
    else:
        student = _from_training(model, checkpoint)
    return student.to(device)


def _usable(device):
    """The device; a ValueError if torch cannot use it here, which it says by two kinds of error."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f'device {device!r} cannot be used here: {str(error).splitlines()[0]}') from error
    return device


def find_published(model, revision: str = None) -> Path:
    """The folder of a published model: as given, or downloaded from the hub into its cache.

    Without a connection, or with HF_HUB_OFFLINE=1, what is in the cache is taken.

    Raises:
        FileNotFoundError: If there is no such folder and no such model on the hub.
        ValueError: If it is the path of something else.
    """
    path = Path(model)
    if path.is_dir():
        return path
    if path.is_file():
        raise ValueError(f'{path} is a file: give the folder of a published model; or a config with its checkpoint')
    if not re.fullmatch(r'[\w-][\w.-]*/[\w-][\w.-]*', str(model)):
        raise FileNotFoundError(f'no published model at {path}: no such folder, and no name on the hub (owner/name)')
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(model), revision=revision, allow_patterns=list(FILES)))
    except Exception as error:  # The hub's own classes, and those of its connection.
        raise FileNotFoundError(
            f'no published model {model!r}: no such folder here, and the hub says: {type(error).__name__}: {error}'
        ) from error


def push_to_hub(folder, name: str, private: bool = True) -> str:
    """Upload a published model to the Hugging Face hub, with the account that ``hf auth login`` set up.

    Args:
        folder: The published model; it is read once, so that nothing is uploaded that cannot be loaded.
        name: ``owner/name``; made if it is not there.
        private: Whether a repository that is made is private; open it on its page.

    Returns:
        Address of the commit.
    """
    from huggingface_hub import HfApi

    read_config(folder)
    api = HfApi()
    api.create_repo(name, private=private, exist_ok=True)
    return str(api.upload_folder(repo_id=name, folder_path=str(folder), allow_patterns=list(FILES)))


def _from_training(config, checkpoint):
    name = config if isinstance(config, (str, os.PathLike)) else 'the given config'
    if isinstance(config, (str, os.PathLike)):
        if not os.path.isfile(config):
            raise FileNotFoundError(f'no such file: {config}, the config that {checkpoint} was trained with')
        config = read_config_file(config)
    if 'model' not in config:
        raise ValueError(f'{name} has no model: expected the config an estimator was trained with')
    # A model starts from random weights, which are replaced; the caller's random numbers are not touched.
    with torch.random.fork_rng(devices=[]):
        student = build_student(config.model)
    if not isinstance(student, BinDepthEstimator):
        raise ValueError(
            f'the model of {name} is a {type(student).__name__}, expected a depth estimator such as BinDepthEstimator; '
            'detectors are run by tools/test.py'
        )
    check_student_checkpoint(student, checkpoint)
    checkpoint = load_checkpoint_file(checkpoint)
    student.load_state_dict(state_of(checkpoint))
    meta = checkpoint.get('meta') or {}
    origin = dict(licence=meta.get('licence'), teacher=teacher_of(config.model, meta.get('teacher')))
    student.input_size = input_size_of(config)
    student.description = dict(model=config.model, space=space_of(config.model), origin=origin)
    return student.eval()


def space_of(model: dict) -> str:
    """What the depth of a model's config means, one of :data:`fsmde.structures.DEPTH_SPACES`: what its loss leaves open."""
    loss = (model.get('head') or {}).get('loss_depth') or {}
    if type_name(loss) != ScaleInvariantLoss.__name__:
        return METRIC
    return 'depth_scale_invariant_multi_view' if loss.get('scope') == 'rig' else 'depth_scale_invariant'


def input_size_of(config) -> tuple:
    """(H, W) to which a config's test pipeline resizes the views, None if it has none."""
    resize = _last_resize(config)
    return tuple(resize['size']) if resize else None


def set_input_size(config, size) -> None:
    """Let a config's test pipeline resize the views to (H, W).

    Raises:
        ValueError: If it does not resize them.
    """
    resize = _last_resize(config)
    if resize is None:
        raise ValueError(
            "the config's test pipeline has no ResizeViews, which brings images to the model's input size"
        )
    resize['size'] = tuple(size)


def _last_resize(config):
    dataset = (config.get('test_dataloader') or {}).get('dataset') or {}
    return next((transform for transform in reversed(dataset.get('pipeline') or []) if transform.get('size')), None)
