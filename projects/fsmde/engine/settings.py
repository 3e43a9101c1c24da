"""Settings that nobody would read, and settings that do not agree: said before a run begins."""

import difflib
import inspect
import numbers
import re

from mmdet3d.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    LOG_PROCESSORS,
    LOOPS,
    METRICS,
    MODELS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    PARAM_SCHEDULERS,
    TRANSFORMS,
    VISBACKENDS,
    VISUALIZERS,
)
from mmengine.config import Config

from fsmde.config_types import type_name

from .schedules import check_schedules

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
#: All that mmengine's Runner reads at the top of a config, and what configs as such may say.
KNOWN = (
    'model', *LOADERS, 'train_cfg', 'val_cfg', 'test_cfg', 'val_evaluator', 'test_evaluator', 'optim_wrapper',
    'param_scheduler', 'auto_scale_lr', 'default_hooks', 'custom_hooks', 'data_preprocessor', 'load_from', 'resume',
    'launcher', 'env_cfg', 'log_processor', 'log_level', 'visualizer', 'default_scope', 'randomness', 'experiment_name',
    'work_dir', 'custom_imports', 'model_wrapper_cfg', 'compile', 'activation_checkpointing', 'efficient_conv_bn_eval',
    'find_unused_parameters', 'sync_bn', 'cfg', 'strategy',
)  # fmt: skip
#: What a config's `type` may be the name of.
REGISTRIES = (
    DATA_SAMPLERS, DATASETS, HOOKS, LOG_PROCESSORS, LOOPS, METRICS, MODELS, OPTIM_WRAPPERS, OPTIMIZERS, PARAM_SCHEDULERS,
    TRANSFORMS, VISBACKENDS, VISUALIZERS,
)  # fmt: skip
#: How alike two names must be, by difflib's ratio, for the one to be a slip of the other: one letter of five or more.
ALIKE = 0.85


def check_names(cfg: Config, path: str) -> None:
    """Refuse a name at the top of a config that is a slip of one that is read.

    Other names are none of our business: configs have variables.

    Raises:
        ValueError: Names the config, the name and the nearest known one.
    """
    for name, value in cfg.items():
        # Pure Python configs carry the classes that they import.
        if name in KNOWN or name.startswith('_') or callable(value):
            continue
        for near in difflib.get_close_matches(name, KNOWN, 1, ALIKE):
            if not re.fullmatch(re.escape(near) + r'_?\d+', name):
                raise ValueError(f'{path}: nothing reads {name!r}; did you mean {near!r}?')


def check_options(cfg: Config, options: dict, path: str) -> None:
    """Refuse ``--cfg-options`` that would change nothing, or a number to something else.

    Raises:
        ValueError: Names the setting, what is known at its place, and the nearest name.
    """
    for option, value in options.items():
        where = f'{path}: --cfg-options {option}'
        keys = option.split('.')
        if keys[0] not in KNOWN:
            hint = 'use --data-root' if option == 'data_root' else _nearest(keys[0], KNOWN)
            what = 'is a variable of the file, which has done its work' if keys[0] in cfg else 'is not read'
            raise ValueError(f'{where}: {keys[0]!r} {what}; {hint}')
        node = dict(cfg.items())
        for depth, key in enumerate(keys):
            at = '.'.join(keys[:depth]) or 'the config'
            if isinstance(node, (list, tuple)):
                if not key.isdigit() or int(key) >= len(node):
                    raise ValueError(f'{where}: {at} is a list of {len(node)}, found the place {key!r}')
                node = node[int(key)]
                continue
            if not isinstance(node, dict):
                break  # None becomes a dict.
            if key not in node:
                known = {*node, *parameters_of(node)} if depth else set(KNOWN)
                near = difflib.get_close_matches(key, known - {key}, 1, ALIKE)
                # Without a class to ask only a slip is evidence.
                if key not in known and (near or parameters_of(node)):
                    raise ValueError(f'{where}: {at} has no {key!r}; {_nearest(key, known)}')
                break
            node = node[key]
        else:
            _check_kind(where, node, value)


def check_arguments(node, where: str) -> None:
    """Refuse what a class of ours does not take, anywhere in a config: settings that it does not have, and what is no
    number where it wants one.

    Raises:
        ValueError: Names the setting, its class, what was found and what was expected.
    """
    if isinstance(node, (list, tuple)):
        for place, item in enumerate(node):
            check_arguments(item, f'{where}.{place}')
    elif isinstance(node, dict):
        if '_delete_' in node:
            raise ValueError(
                f'{where}: nothing reads _delete_ here: it is for a text config that inherits a dict of this name. Leave it '
                'out where there is nothing to delete; in a pure Python config assign the dict instead of updating the old one'
            )
        kind = class_of(node)
        if kind is not None and kind.__module__.split('.')[0] == 'fsmde':
            _check_own_arguments(kind, node, where)
        for key, value in node.items():
            check_arguments(value, f'{where}.{key}')


def _check_own_arguments(kind, node, where):
    taken = inspect.signature(kind).parameters
    passes_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values())
    for key, value in node.items():
        # What a class passes on, Python names by itself. priority is for mmengine, which puts hooks into order.
        if key not in taken and not passes_on and key not in ('type', '_scope_', 'priority'):
            raise ValueError(f'{where}: {kind.__name__} has no {key!r}; {_nearest(key, taken)}')
        default = taken[key].default if key in taken else None
        wanted = parameters_of(node).get(key)
        if wanted not in (int, float) or value is None or value == default:
            continue
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or value != value:
            raise ValueError(f'{where}.{key} of {kind.__name__} must be a number, found {value!r}')
        if wanted is int and not (value >= 0 and value % 1 == 0):  # All of them count something.
            raise ValueError(f'{where}.{key} of {kind.__name__} must be a whole number, not negative, found {value!r}')


def class_of(node: dict):
    """The class that a config builds, None if it is unknown."""
    kind = node.get('type')
    if isinstance(kind, str):
        kind = next(filter(None, (registry.get(kind) for registry in REGISTRIES)), None)
    return kind if inspect.isclass(kind) else None


def parameters_of(node: dict) -> dict:
    """Names that the class of a config takes, those of its bases too, with their annotations; none without a class."""
    found = {}
    for base in getattr(class_of(node), '__mro__', ()):
        try:
            parameters = inspect.signature(base.__init__).parameters
        except (TypeError, ValueError):  # Classes of C.
            continue
        for name, parameter in parameters.items():
            found.setdefault(name, parameter.annotation)
    return {name: kind for name, kind in found.items() if name not in ('self', 'args', 'kwargs')}


def _nearest(name, known):
    near = difflib.get_close_matches(name, known, 1)
    return f'did you mean {near[0]!r}?' if near else f'there are {", ".join(sorted(known)) or "none"}'


def _check_kind(where, old, new):
    if isinstance(old, numbers.Number) and not isinstance(old, bool) and isinstance(new, str):
        raise ValueError(f'{where}: {old} in the config is a number, found {new!r}')


def check_settings(cfg: Config) -> None:
    """Raise where settings of a training do not agree.

    Raises:
        ValueError: Names the setting, what was found and what was expected.
    """
    train = cfg.get('train_cfg') or {}
    counts = [('train_cfg', name) for name in ('max_epochs', 'max_iters', 'val_interval')]
    counts += [('train_dataloader', 'batch_size'), ('val_dataloader', 'batch_size')]
    for section, name in [*counts, ('optim_wrapper', 'accumulative_counts')]:
        value = (cfg.get(section) or {}).get(name)
        if value is not None and not (isinstance(value, int) and value >= 1):
            raise ValueError(f'{section}.{name} must be a whole number of at least 1, found {value!r}')
    sampler = (cfg.get('train_dataloader') or {}).get('sampler') or {}
    if type_name(sampler) == 'InfiniteSampler' and train.get('max_epochs'):
        raise ValueError(
            'train_dataloader.sampler is an InfiniteSampler, of which an epoch never ends, and train_cfg counts max_epochs: '
            'take a DefaultSampler, or an IterBasedTrainLoop with max_iters'
        )
    check_schedules(cfg)
