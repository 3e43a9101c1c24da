"""From a training checkpoint to a published model."""

import math
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

from fsmde.config_types import type_name
from fsmde.engine.checkpoint import load_checkpoint_file
from fsmde.engine.config_files import read_config_file
from fsmde.evaluation.result_files import hash_of_file, read_results
from fsmde.models.architecture import architecture_of, build_architecture
from fsmde.version import __version__

from .config_text import read_config_text
from .load_model import input_size_of, space_of
from .model_card import write_card
from .published_model import write_published
from .teacher_origin import teacher_of, warn_if_non_commercial

#: Submodules that only training needs.
TRAINING_ONLY = ('distillers', 'teacher')


def student_weights(checkpoint: dict, source, without_ema: bool = False) -> OrderedDict:
    """The student's entries of a training checkpoint, on the CPU, each in its own memory.

    Args:
        checkpoint: What mmengine saved.
        source: File it comes from, for messages.
        without_ema: Take the weights of the last step instead of their moving average. mmengine's EMAHook saves the
            average as ``state_dict`` and the last step as ``ema_state_dict``.

    Raises:
        ValueError: If there are no weights, no student among them, or none without the average.
    """
    if not isinstance(checkpoint.get('state_dict'), dict):
        raise ValueError(f'{source} is no training checkpoint: expected the key state_dict, found {list(checkpoint)}')
    weights = checkpoint['state_dict']
    if without_ema:
        if 'ema_state_dict' not in checkpoint:
            raise ValueError(f'{source} was trained without a moving average; leave --without-ema out')
        last = checkpoint['ema_state_dict']
        weights = OrderedDict((key, last.get(f'module.{key}', value)) for key, value in weights.items())
    student = OrderedDict((key, value) for key, value in weights.items() if key.split('.')[0] not in TRAINING_ONLY)
    parts = {key.split('.')[0]: None for key in weights}
    if 'head' not in parts:
        raise ValueError(
            f'{source} holds no student, whose weights are under backbone, neck and head: its own are under '
            f'{", ".join(parts) or "nothing"}'
        )
    other = [key for key, value in student.items() if not isinstance(value, torch.Tensor)]
    if other:
        raise ValueError(f'{source}: expected tensors only, {other} are none; it cannot be published')
    # clone: of a view, torch.save would write everything that it is a view of.
    weights_only = OrderedDict((key, value.detach().cpu().contiguous().clone()) for key, value in student.items())
    # Modules that changed their keys once look at their version in it.
    versions = getattr(checkpoint['state_dict'], '_metadata', {})
    kept = ((name, entry) for name, entry in versions.items() if name.split('.')[0] not in TRAINING_ONLY)
    weights_only._metadata = OrderedDict(kept)
    return weights_only


def to_plain(value):
    """The value in types that json knows; what has no counterpart becomes its text."""
    if isinstance(value, dict):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(entry) for entry in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return to_plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or type(value) in (str, int, float, bool) else str(value)


def results_of(path, source, without_ema: bool = False) -> dict:
    """Content of the results.json of a checkpoint.

    Args:
        path: The results.json.
        source: The checkpoint that it must have the figures of.
        without_ema: Whether the last weights are published instead of their moving average, which an evaluation takes.

    Raises:
        FileNotFoundError, ValueError: If it is absent, none, or has figures of other weights; names it.
    """
    results = read_results(path)
    found, expected = results['run'].get('checkpoint_sha256'), hash_of_file(source)
    if found != expected:
        raise ValueError(
            f'{path} has figures of {results["run"].get("checkpoint") or "no checkpoint"} (sha256 {found}), {source} has '
            f'{expected}: give the results.json that tools/test.py wrote of it'
        )
    if without_ema:
        raise ValueError(
            f'{path} has figures of the moving average, not of the last weights: leave out --results or --without-ema'
        )
    return results


def publish_folder(
    source,
    out,
    config=None,
    results=None,
    without_ema: bool = False,
    input_size: tuple = None,
    licence: str = None,
    teacher_licence: str = None,
    classes: tuple = (),
    half: bool = False,
) -> Path:
    """Write a published model of a training checkpoint.

    Args:
        source: Training checkpoint.
        out: Folder to write; must not be there.
        config: The config file it was trained with; by default the text that is in the checkpoint, which is read without
            being executed.
        results: Json file of ``tools/test.py`` for this checkpoint, whose figures in metric scale are kept.
        without_ema: See :func:`student_weights`.
        input_size: (H, W), if not that of the config's test pipeline.
        licence: Of the weights, as the hub knows it, such as ``apache-2.0``.
        teacher_licence: Of the teacher, if the checkpoint does not say it or is wrong.
        classes: Classes of your own that the student is made of.
        half: Store float16, for half of the bytes; whoever loads the model computes in float32 all the same.

    Returns:
        The folder.

    Raises:
        FileExistsError: If there is something already.
        ValueError: If there is no config or no input size, the weights do not fit the config, the results are of other
            weights or of another size, or there is a licence of a teacher and no teacher.
    """
    checkpoint = load_checkpoint_file(source)
    weights = student_weights(checkpoint, source, without_ema)
    text = checkpoint.get('meta', {}).get('cfg')
    if not config and not text:
        raise ValueError(f'{source} does not hold the config it was trained with: give --config')
    config = read_config_file(config) if config else read_config_text(text)
    evaluated = input_size_of(config)
    size = tuple(input_size or evaluated or ())
    if not size:
        raise ValueError("the config's test pipeline has no ResizeViews: give --size HEIGHT WIDTH")
    found = results_of(results, source, without_ema) if results else None
    # Files of before do not say their size.
    at = found and (found.get('input_size') or evaluated)
    if at and size != tuple(at):
        raise ValueError(
            f'{results} has figures at {at[0]}x{at[1]}, the model is published for {size[0]}x{size[1]}: leave out --results, '
            f'or give --size {at[0]} {at[1]}'
        )
    architecture = architecture_of(config.model, classes)
    student = build_architecture(architecture, classes=classes)
    try:
        student.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f'{source} is of another architecture than its config: {error}') from error
    dataset = _innermost((config.get('train_dataloader') or {}).get('dataset') or {}, 'dataset')
    old = checkpoint.get('meta', {})
    meta = to_plain(old.get('dataset_meta') or {})
    # mmengine writes the hash of the git repository it was started in behind its version.
    mmengine_version = re.sub('[0-9a-f]{40}$', '', old.get('mmengine_version') or '') or None
    rigs = [meta, *meta.get('parts', {}).values()]  # Of a mixture of data sets each part has its cameras.
    cameras = dict.fromkeys(camera for rig in rigs for camera in rig.get('cam_names') or ())
    teacher = teacher_of(config.model, old.get('teacher'), teacher_licence)
    warn_if_non_commercial(teacher, licence)
    description = dict(
        model=architecture,
        space=space_of(config.model),
        input_size=[int(side) for side in size],
        cameras=list(cameras or dataset.get('cameras') or []),
        origin=dict(
            data_set=meta.get('dataset') or type_name(dataset),
            split=dataset.get('split') or dataset.get('ann_file'),
            checkpoint_sha256=hash_of_file(source),
            licence=licence,
            teacher=teacher,
            averaged='ema_state_dict' in checkpoint and not without_ema,
            versions=dict(fsmde=__version__, torch=str(torch.__version__), mmengine=mmengine_version),
            **{key: to_plain(old[key]) for key in ('experiment_name', 'time', 'seed', 'epoch', 'iter') if key in old},
        ),
        figures=_figures_of(found) if found else {},
    )
    weights = student.state_dict()
    if half:
        weights = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
        if not all(torch.isfinite(value).all() for value in weights.values()):
            raise ValueError(f'{source} has weights that are beyond the range of float16')
    return write_published(out, weights, description, write_card(Path(out).name, description, licence))


def _innermost(node, key):
    while node.get(key):
        node = node[key]
    return node


def _figures_of(results):
    """What config.json keeps of a results.json: by protocol how it was run, and overall figures in metric scale."""
    protocols = results.get('protocols')
    if not isinstance(protocols, dict) or not all(isinstance(e, dict) and 'modes' in e for e in protocols.values()):
        raise ValueError('the results hold no protocols: give the results.json that tools/test.py wrote')
    return {
        name: dict(
            settings=to_plain(entry.get('settings')),
            dataset=results.get('dataset'),
            flip_augmentation=results['run'].get('flip_augmentation', False),
            differences=entry.get('differences', []),
            frames=entry.get('frames'),
            frames_not_evaluated=entry.get('frames_not_evaluated', 0),
            metric=to_plain(entry['modes'].get('metric', {}).get('overall', {}).get('all')),
        )
        for name, entry in protocols.items()
    }
