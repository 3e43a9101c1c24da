"""Pixels of frames that a protocol pools, kept on disk until all frames of a group are known."""

import os.path as osp
import tempfile

import numpy as np

from .ground_truth import TruthPixels


class Spool:
    """A temporary folder with the ground truth and prediction of single frames.

    A median over four frames cannot be had from sums, the four may arrive on different ranks, and which four they are
    is known only at the end: so memory stays constant and the disk takes under 1 MB a frame. Paths travel between
    ranks, so all of them must see this folder (``TMPDIR`` says where it lies).
    """

    def __init__(self):
        self._folder = None

    def put(self, frame: int, truth: TruthPixels, pred) -> str:
        """Write a frame's P pixels and (P,) prediction; returns the file."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix='fsmde_pixels_')
        path = osp.join(self._folder.name, f'{frame}.npz')
        narrow = pred.astype(np.float32)
        exact = np.array_equal(narrow, pred, equal_nan=True)
        np.savez(
            path,
            camera=truth.camera.astype(np.int8),
            z=truth.z.astype(np.float32),
            overlap=truth.overlap,
            pred=narrow if exact else pred,
        )
        return path

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def read_spooled(path: str):
    """Return the :class:`TruthPixels`, without pixel coordinates, and the (P,) float64 prediction of a frame.

    Raises:
        FileNotFoundError: If another rank wrote the file to a disk that this one does not see.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'{path} was written by another rank and is not seen here: set TMPDIR to a folder that all nodes share, '
            "or leave the median modes of pooling protocols out with modes=('metric',)"
        )
    with np.load(path) as file:
        camera, z = file['camera'].astype(np.int64), file['z'].astype(np.float64)
        truth = TruthPixels(camera, None, None, z, None, file['overlap'], None)
        return truth, file['pred'].astype(np.float64)
