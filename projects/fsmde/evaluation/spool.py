"""What is needed of single frames until all others are known, kept on disk."""

import contextlib
import itertools
import os
import os.path as osp
import shutil
import tempfile

import numpy as np
from filelock import FileLock, Timeout

from fsmde.array_files import read_npz
from fsmde.concurrency import LOCK

from .ground_truth import TruthPixels

PREFIX = 'fsmde_pixels_'


class Spool:
    """A temporary folder with arrays of single frames.

    A median over four frames cannot be had from sums, a frame's predecessor may arrive on another rank, and which
    frames belong together is known only at the end: so memory stays constant and the disk takes under 1 MB a frame and
    use. Paths travel between ranks, so all of them must see this folder (``TMPDIR`` says where it lies). Folders that
    killed processes have left there are removed when a new one is made.
    """

    def __init__(self):
        self._folder, self._lock, self._numbers = None, None, itertools.count()

    def put(self, **arrays) -> str:
        """Write arrays by name; returns the file, a new one each time."""
        if self._folder is None:
            self._begin()
        path = osp.join(self._folder.name, f'{next(self._numbers)}.npz')
        np.savez(path, **arrays)
        return path

    def _begin(self):
        root = tempfile.gettempdir()
        # Whoever makes a folder has to lock it before another looks whether it is locked.
        with FileLock(osp.join(root, f'{PREFIX}{os.getuid() if hasattr(os, "getuid") else ""}.lock')):
            for entry in os.scandir(root):
                lock = FileLock(osp.join(entry.path, LOCK))
                if entry.name.startswith(PREFIX) and osp.isfile(lock.lock_file) and os.access(lock.lock_file, os.W_OK):
                    with contextlib.suppress(Timeout), lock.acquire(timeout=0):
                        shutil.rmtree(entry.path, ignore_errors=True)
            self._folder = tempfile.TemporaryDirectory(prefix=PREFIX)
            self._lock = FileLock(osp.join(self._folder.name, LOCK))
            self._lock.acquire()

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._lock.release()
            self._folder.cleanup()
            self._folder = self._lock = None


def read_spooled(path: str) -> dict:
    """Arrays by name, as they were put.

    Raises:
        FileNotFoundError: If another rank wrote the file to a disk that this one does not see.
        ValueError: If it is cut.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'{path} was written by another rank and is not seen here: set TMPDIR to a folder that all nodes share, or '
            "leave out what needs it, flicker=True and the median modes of pooling protocols (modes=('metric',))"
        )
    return read_npz(path)


def pooled_to_arrays(truth: TruthPixels, pred) -> dict:
    """P pixels, without their coordinates, and the (P,) prediction of a frame that a protocol pools."""
    narrow = pred.astype(np.float32)
    exact = np.array_equal(narrow, pred, equal_nan=True)
    return dict(
        camera=truth.camera.astype(np.int8),
        z=truth.z.astype(np.float32),
        overlap=truth.overlap,
        pred=narrow if exact else pred,
    )


def pooled_from_arrays(arrays: dict):
    """Return what :func:`pooled_to_arrays` was given, coordinates and sizes None."""
    camera, z = arrays['camera'].astype(np.int64), arrays['z'].astype(np.float64)
    truth = TruthPixels(camera, None, None, z, None, arrays['overlap'], None)
    return truth, arrays['pred'].astype(np.float64)
