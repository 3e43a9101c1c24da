"""Configs as the command-line tools read them, with what the command line changes in them."""

import traceback
from pathlib import Path
from types import FunctionType

from mmengine.config import Config
from mmengine.device import is_cuda_available
from mmengine.utils import import_modules_from_strings

from fsmde.plain_data import existing

from .settings import KNOWN, LOADERS, check_arguments, check_names, check_options


def read_config(path: str, data_root=None, cfg_options: dict = None) -> Config:
    """A config file's content, with what the command line changes in it.

    Args:
        path: The config file.
        data_root: Replaces ``data_root`` of every data set, see :func:`set_data_root`.
        cfg_options: Settings by dotted names, as mmengine's ``DictAction`` collects them.

    Raises:
        FileNotFoundError, ValueError: See :func:`read_config_file`; if a setting is not known, see
            :mod:`fsmde.engine.settings`, or of another kind than the one it replaces.
    """
    cfg = read_config_file(path)
    if cfg_options:
        check_options(cfg, cfg_options, path)
        cfg.merge_from_dict(cfg_options)
        _import_modules(cfg)
    check_names(cfg, path)
    for name in KNOWN:
        check_arguments(cfg.get(name), f'{path}: {name}')
    for name in LOADERS:
        # Torch refuses to keep, or to hurry, workers that are not there.
        if (cfg.get(name) or {}).get('num_workers') == 0:
            for key in ('prefetch_factor', 'persistent_workers'):
                if cfg[name].get(key):
                    cfg[name].pop(key)
        if cfg.get(name) and is_cuda_available():
            # The host waits for a copy from memory that may be paged out, non_blocking or not.
            cfg[name].setdefault('pin_memory', True)
    if data_root is not None:
        set_data_root(cfg, data_root)
    return cfg


def read_config_file(path) -> Config:
    """A config file's content as it stands.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If mmengine cannot read it or a base: it names the file. A pure Python config that makes an object is
            among these, which mmengine answers with an empty RuntimeError, and one in which a function is left, whose text
            is no Python. What is raised by code that the config imports comes as it is.
    """
    path = existing(path)
    try:
        cfg = Config.fromfile(path)
    except SyntaxError as error:
        # mmengine does not say in which of its bases it is.
        line = f': {error.text.strip()}' if error.text else ''
        raise ValueError(f'{path}, or a config that it reads, is no Python: {error}{line}') from error
    except RecursionError as error:
        raise ValueError(
            f'{path}: a dict in it holds itself, as where update(), which merges, puts a data set into its wrapper: assign '
            'the new dict instead, train_dataloader.dataset = dict(type=..., dataset=train_dataloader.dataset)'
        ) from error
    except Exception as error:
        trace = traceback.extract_tb(error.__traceback__)
        own = isinstance(error, (RuntimeError, OSError)) and 'mmengine' in Path(trace[-1].filename).parts
        # Of a package that a base is looked for in and that is not there, others speak, by version in their own kind.
        if not own and all(frame.name != 'get_installed_path' for frame in trace):
            raise
        if error.args:
            raise ValueError(f'{path}: {error}') from error
        raise ValueError(
            f'{path} calls a class at the line above: in a pure Python config write dict(type=Class, ...) instead of '
            'Class(...)'
        ) from error
    # mmengine imports those of text configs alone.
    _import_modules(cfg)
    # What is imported outside of read_base() mmengine leaves out by itself.
    imported = cfg._imported_names
    functions = [name for name, value in cfg.items() if isinstance(value, FunctionType) and name not in imported]
    if functions:
        raise ValueError(f'{path}: functions are no settings: end it with `del {", ".join(functions)}`')
    return cfg


def _import_modules(cfg):
    """Import what ``custom_imports`` of a config names."""
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)


def add_data_root(parser) -> None:
    """The option ``--data-root``, a list of what :func:`set_data_root` takes, None where it is not given."""
    parser.add_argument(
        '--data-root',
        action='append',
        help='folder of the data set; replaces data_root of every data set. Where a config mixes some: NAME=FOLDER, '
        'once for each',
    )


def set_data_root(cfg: Config, data_root) -> None:
    """Put ``data_root`` into every data set of a config, at any depth of wrapping.

    ``--cfg-options data_root=...`` does not reach the data sets of a pure Python config.

    Args:
        data_root: A folder; for the named parts of a :class:`fsmde.datasets.MixedSurroundDataset` ``NAME=FOLDER``, or a
            list of these. Parts that are not named keep theirs.

    Raises:
        ValueError: If a root is empty, no data set has one, one loader reads several, or parts and names do not fit each
            other.
    """
    given = [data_root] if isinstance(data_root, str) else list(data_root)
    loaders = [cfg.get(name) for name in LOADERS]
    parts = {}
    for node in _dicts_in(loaders):
        for name, part in node['datasets'].items() if isinstance(node.get('datasets'), dict) else ():
            parts.setdefault(name, []).append(part)
    targets = parts or {'': loaders}
    roots = dict(one.split('=', 1) if parts and '=' in one else ('', one) for one in given)
    if not all(root.strip() for root in roots.values()):
        raise ValueError('--data-root is empty: is the variable set that it comes from?')
    if len(roots) < len(given) or not roots.keys() <= targets.keys():
        wanted = ' '.join(f'--data-root {name}=DIR' for name in parts) or '--data-root DIR'
        raise ValueError(f'the data sets of the config want {wanted}, found {" ".join(given)}')
    for name, root in roots.items():
        found = [node for node in _dicts_in(targets[name]) if 'data_root' in node]
        if not found:
            raise ValueError(f'no data set of the config has a data_root to be replaced by --data-root {root}')
        for loader in loaders if not parts else ():
            of_loader = sorted({str(node['data_root']) for node in _dicts_in([loader]) if 'data_root' in node})
            if len(of_loader) > 1:
                raise ValueError(
                    f'--data-root {root} would put one folder in the place of {" and ".join(of_loader)}, which one loader '
                    'reads together: give each by --cfg-options, such as '
                    'train_dataloader.dataset.datasets.0.data_root=DIR'
                )
        for node in found:
            node['data_root'] = root


def of_one_rig(dataset, path: str):
    """A data set's config, for tools that look at one rig.

    Raises:
        ValueError: If it mixes several.
    """
    if isinstance(dataset.get('datasets'), dict):
        raise ValueError(
            f'{path} mixes the data sets {", ".join(dataset["datasets"])}, whose rigs differ: use the config of one of them'
        )
    return dataset


def _dicts_in(node):
    """All dicts in nested dicts and lists, the outer before the inner."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for value in node if isinstance(node, (list, tuple)) else ():
        yield from _dicts_in(value)
