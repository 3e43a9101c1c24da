"""Reading arrays from .npy and .npz files: nothing is unpickled, and what is allocated is bounded."""

import os
import zipfile

import numpy as np

#: Bytes that the arrays of a file may have together: 0.9 MB of .npz can unpack to 960 MB. A cloud of 200,000 points
#: has 8 MB, a teacher's answer with features some 100 MB.
MAX_BYTES = 512 * 2**20


def read_npz(path, *names: str) -> dict:
    """Arrays of an .npz file by name.

    Args:
        names: Those to read; all by default.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is cut, damaged or no .npz, lacks a name, needs unpickling, or unpacks to more than
            ``MAX_BYTES``.
    """
    try:
        with open(path, 'rb') as file:
            if not zipfile.is_zipfile(file):
                raise ValueError('it is cut, or no zip archive')
        with np.load(path, allow_pickle=False) as archive:
            size = sum(member.file_size for member in archive.zip.infolist())
            if size > MAX_BYTES:
                raise ValueError(f'it unpacks to {size} bytes, at most {MAX_BYTES} are read')
            absent = [name for name in names if name not in archive.files]
            if absent:
                raise ValueError(f'it has no {absent}, but {archive.files}')
            return {name: archive[name] for name in names or archive.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # numpy raises zipfile, zlib, OS, memory and key errors for files that are cut.
        raise ValueError(f'{path} cannot be read as .npz: {type(error).__name__}: {error}') from error


def read_npy(path) -> np.ndarray:
    """The array of an .npy file.

    Raises:
        FileNotFoundError, ValueError: As :func:`read_npz`.
    """
    size = os.path.getsize(path)
    try:
        if size > MAX_BYTES:
            raise ValueError(f'it has {size} bytes, at most {MAX_BYTES} are read')
        with open(path, 'rb') as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:
        raise ValueError(f'{path} cannot be read as .npy: {type(error).__name__}: {error}') from error
