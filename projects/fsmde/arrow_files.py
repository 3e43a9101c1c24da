"""Reading columns of Arrow files: .feather of Argoverse 2, .parquet of Waymo."""

import os

import numpy as np

from .array_files import MAX_BYTES


def import_pyarrow(what: str):
    """The package pyarrow with its readers, which is an optional extra.

    Args:
        what: Needs it, for the error.

    Raises:
        ImportError: If it is not installed; says how to install it.
    """
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(f"{what} needs pyarrow: pip install 'pyarrow>=14,<26' ({error})") from error
    return pyarrow


def read_feather(path, *names: str) -> dict:
    """Columns of a .feather file (version 2, which is Arrow's IPC format) as numpy arrays, by name.

    Args:
        names: Those to read.

    Raises:
        ImportError: Without pyarrow.
        FileNotFoundError: If there is no such file.
        ValueError: If it is cut or no such file, lacks a column, or a column has empty places; names them.
    """
    arrow = import_pyarrow(str(path))
    if not os.path.isfile(path):
        raise FileNotFoundError(f'no such file: {path}')
    if os.path.getsize(path) > MAX_BYTES:
        raise ValueError(f'{path} has {os.path.getsize(path)} bytes, more than {MAX_BYTES}')
    try:
        # One thread: loaders read in many processes.
        with arrow.OSFile(str(path)) as file:
            present = arrow.ipc.open_file(file).schema.names
            absent = [name for name in names if name not in present]
            if not absent:
                options = arrow.ipc.IpcReadOptions(
                    included_fields=sorted(present.index(name) for name in names), use_threads=False
                )
                table = arrow.ipc.open_file(file, options=options).read_all()
    except (arrow.ArrowException, OSError) as error:
        raise ValueError(f'{path} is cut or no .feather file: {error}') from error
    if absent:
        raise ValueError(f'{path} has no column {absent}; it has {present}')
    return {name: to_numpy(table[name], f'{path}: {name}') for name in names}


def to_numpy(column, where: str) -> np.ndarray:
    """An Arrow column without empty places as a numpy array.

    Raises:
        ValueError: If a place is empty; names ``where``.
    """
    if column.null_count:
        raise ValueError(f'{where}: {column.null_count} of {len(column)} places are empty')
    return column.to_numpy()
