"""A student's architecture as plain data that anyone may have written: taken from a config, checked, built.

What is built is named in an allow-list: the classes of this project, and mmdet's backbones. No setting may hold a path or
an address, and no more memory is taken than the weights beside the architecture need.
"""

import copy
import math
import re
import traceback

import mmdet.models.backbones
import torch
from mmdet3d.registry import MODELS
from torch.nn.modules.module import register_module_parameter_registration_hook

from fsmde.plain_data import brief, nearest

from . import backbones, heads, necks
from .data_preprocessor import SurroundDataPreprocessor, preprocessor_config
from .estimators import AnyViewDepthEstimator, BinDepthEstimator


def _named(module, prefix=''):
    return {f'{prefix}{name}': getattr(module, name) for name in module.__all__}


#: By the setting that they are given to: classes by name.
CLASSES = dict(
    model=dict(BinDepthEstimator=BinDepthEstimator, AnyViewDepthEstimator=AnyViewDepthEstimator),
    data_preprocessor=dict(SurroundDataPreprocessor=SurroundDataPreprocessor),
    backbone={**_named(backbones), **_named(mmdet.models.backbones, 'mmdet.')},
    neck=_named(necks),
    head={name: kind for name, kind in _named(heads).items() if name != 'BaseDepthHead'},
)
#: Layers, which mmcv builds by name.
LAYERS = dict(
    norm_cfg=('BN', 'BN2d', 'SyncBN', 'GN', 'LN', 'IN'),
    act_cfg='ReLU LeakyReLU PReLU ReLU6 ELU SiLU Swish GELU HSwish HSigmoid Sigmoid Tanh Mish'.split(),
    conv_cfg=('Conv', 'Conv2d'),
    upsample_cfg=('nearest', 'bilinear'),
)
#: What only training needs, and what would load files.
DROPPED = ('teacher', 'distillers', 'init_cfg', 'pretrained', 'loss_depth', 'flip_augmentation')
REFUSED = ('init_cfg', 'pretrained', 'checkpoint', 'plugins', 'dcn', 'teacher', 'distillers')
MAX_INTEGER, MAX_ITEMS, MAX_LEVELS, MAX_TEXT = 8192, 256, 8, 64


def architecture_of(model: dict, classes: tuple = ()) -> dict:
    """The student of a model's config as plain data: classes by their names in the allow-list.

    Args:
        model: Config of a :class:`BinDepthEstimator`, or of one that is distilled, whose student is taken.
        classes: Further classes that may be named, such as a neck of your own.

    Raises:
        ValueError: If something in it is not allowed in a published model; names the setting.
    """
    model = _plain(dict(model, type='BinDepthEstimator') if 'teacher' in model else model)
    for key in ('backbone', 'neck', 'head', 'data_preprocessor'):
        if isinstance(model.get(key), dict):
            model[key]['type'] = _name_of(model[key].get('type'), key, classes)
    model['type'] = _name_of(model.get('type'), 'model', classes)
    backbone = model.get('backbone')
    if isinstance(backbone, dict):
        kind = _classes_for('backbone', classes).get(backbone['type'])
        model['data_preprocessor'] = preprocessor_config(model.get('data_preprocessor'), dict(backbone, type=kind))
    # The defaults of another version may differ.
    preprocessor = model.setdefault('data_preprocessor', dict(type='SurroundDataPreprocessor'))
    if preprocessor['type'] == 'SurroundDataPreprocessor':
        built = SurroundDataPreprocessor(**{key: value for key, value in preprocessor.items() if key != 'type'})
        preprocessor.update(
            {key: [float(str(v)) for v in getattr(built, key).flatten().numpy()] for key in ('mean', 'std')}
        )
    check_architecture(model, classes)
    return model


def _plain(value):
    """The value in types that JSON knows, without :data:`DROPPED`; classes become their names."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items() if key not in DROPPED}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return f'{value.__module__}.{value.__qualname__}' if isinstance(value, type) else value


def _name_of(kind, key, classes):
    """The allow-list's name of ``Name``, ``scope.Name`` or ``path.of.module.Name``."""
    known = _classes_for(key, classes)
    last = str(kind).split('.')[-1]
    return next((name for name in known if name.split('.')[-1] == last), str(kind))


def _classes_for(key, classes):
    return {**CLASSES[key], **{kind.__name__: kind for kind in classes}}


def check_architecture(model: dict, classes: tuple = ()) -> None:
    """Raise ValueError unless everything in an architecture is plain, bounded and of the allow-list."""
    if not isinstance(model, dict):
        raise ValueError(f'model: expected an object, found {brief(model)}')
    _check(model, ('model',), classes)
    for key in ('backbone', 'neck', 'head', 'data_preprocessor'):
        if not isinstance(model.get(key), dict):
            raise ValueError(f'model.{key}: expected an object, found {brief(model.get(key))}')


def _check(value, path, classes):
    where = '.'.join(map(str, path))
    if len(path) > MAX_LEVELS:
        raise ValueError(f'{where}: nested more than {MAX_LEVELS} deep')
    if isinstance(value, dict):
        _check_type(value, path, where, classes)
        for key, entry in value.items():
            if not isinstance(key, str) or not re.fullmatch(r'\w{1,64}', key):
                raise ValueError(f'{where}: {brief(key)} is no name of a setting')
            if key in REFUSED and entry is not None:
                raise ValueError(f'{where}.{key}: not allowed in a published model: its weights are in its own file')
            if key != 'type':
                _check(entry, (*path, key), classes)
    elif isinstance(value, (list, tuple)):
        if len(value) > MAX_ITEMS:
            raise ValueError(f'{where}: {len(value)} items, at most {MAX_ITEMS} are allowed')
        for number, entry in enumerate(value):
            _check(entry, (*path, number), classes)
    elif isinstance(value, str):
        if not re.fullmatch(rf'[\w.+-]{{0,{MAX_TEXT}}}', value) or '..' in value:
            raise ValueError(f'{where}: expected a short word without a path, found {brief(value)}')
    elif isinstance(value, bool) or value is None:
        pass
    elif isinstance(value, (int, float)):
        if not math.isfinite(value) or abs(value) > (MAX_INTEGER if isinstance(value, int) else 1e6):
            raise ValueError(f'{where}: {brief(value)} is too large: whole numbers go to {MAX_INTEGER}')
    else:
        raise ValueError(f'{where}: expected plain data, found a {type(value).__name__}')


def _check_type(value, path, where, classes):
    key = path[-1]
    if key in CLASSES and len(path) == (1 if key == 'model' else 2):
        allowed = _classes_for(key, classes)
    elif key in LAYERS:
        allowed = LAYERS[key]
    elif 'type' in value:
        raise ValueError(f'{where}: a class is not expected here, found {brief(value["type"])}')
    else:
        return
    kind = value.get('type')
    if not isinstance(kind, str) or kind not in allowed:
        raise ValueError(
            f'{where}.type: {brief(kind)} is not among the classes of published models{nearest(kind, allowed)}; one of your '
            'own must be given as classes=[...]'
        )


def build_architecture(model: dict, weights: int = None, classes: tuple = ()) -> BinDepthEstimator:
    """Build a checked architecture with random weights, on the CPU.

    Args:
        model: See :func:`architecture_of`.
        weights: Count of the numbers that its weights are: where it declares far more, nothing more is allocated.
        classes: As given to :func:`check_architecture`.

    Raises:
        ValueError: If it is not allowed, is larger, or a class does not take what it is given. What a class of the caller's
            own raises comes as it is.
    """
    check_architecture(model, classes)
    model = copy.deepcopy(model)
    for key in ('backbone', 'neck', 'head', 'data_preprocessor'):
        model[key]['type'] = _classes_for(key, classes)[model[key]['type']]
    model['type'] = _classes_for('model', classes)[model['type']]
    declared = 0

    def count(module, name, parameter):
        nonlocal declared
        declared += 0 if parameter is None else parameter.numel()
        # Some backbones first make those of another size: a quarter of a GiB is no harm.
        if weights is not None and declared > 2 * weights + 2**26:
            raise ValueError(f'it declares far more parameters than the {weights} numbers that the weights are')

    handle = register_module_parameter_registration_hook(count)
    try:
        # The caller's random numbers are not those of weights that are replaced anyway.
        with torch.random.fork_rng(devices=[]):
            return MODELS.build(model)
    except Exception as error:  # Whatever a class raises of settings that do not go together.
        own = {kind.__module__ for kind in classes}
        if any(frame.f_globals.get('__name__') in own for frame, _ in traceback.walk_tb(error.__traceback__)):
            raise
        raise ValueError(f'the architecture cannot be built: {error}') from error
    finally:
        handle.remove()
