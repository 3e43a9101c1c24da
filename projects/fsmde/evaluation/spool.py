"""What is needed of single frames until all others are known, kept on disk."""

import itertools
import os.path as osp
import tempfile

import numpy as np

from fsmde.array_files import read_npz

from .ground_truth import TruthPixels


class Spool:
    """A temporary folder with arrays of single frames.

    A median over four frames cannot be had from sums, a frame's predecessor may arrive on another rank, and which
    frames belong together is known only at the end: so memory stays constant and the disk takes under 1 MB a frame and
    use. Paths travel between ranks, so all of them must see this folder (``TMPDIR`` says where it lies).
    """

    def __init__(self):
        self._folder, self._numbers = None, itertools.count()

    def put(self, **arrays) -> str:
        """Write arrays by name; returns the file, a new one each time."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix='fsmde_pixels_')
        path = osp.join(self._folder.name, f'{next(self._numbers)}.npz')
        np.savez(path, **arrays)
        return path

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


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
