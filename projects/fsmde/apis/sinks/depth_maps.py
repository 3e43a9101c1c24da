"""Depth maps, one file a camera and frame."""

import io

import numpy as np

from fsmde.evaluation.predictions import encode_depth
from fsmde.output_files import write_bytes
from fsmde.output_names import output_path

from ..result import DepthResult
from .base import Sink

KINDS = ('png', 'npz')


class DepthMaps(Sink):
    """``<folder>/<frame>/<camera>.png`` as ``tools/test.py --out`` writes them, or ``.npz``.

    PNG: 16-bit grey, metres * 256, at most 255.996 m. npz: ``depth`` float32 metres and, of models with bins at the
    network's size, ``confidence`` float32. In both 0 is where nothing is seen.

    Args:
        folder: Where to.
        kind: 'png' or 'npz'.
        original: In the pixels of the original images instead of the network's.
    """

    def __init__(self, folder, kind: str = 'png', original: bool = False):
        if kind not in KINDS:
            raise ValueError(f'kind must be one of {KINDS}, found {kind!r}')
        self.folder, self.kind, self.original = folder, kind, original

    def write(self, result: DepthResult) -> None:
        """See :meth:`Sink.write`."""
        for camera, depth in (result.original_depth if self.original else result.depth).items():
            path = f'{output_path(self.folder, result.name, camera)}.{self.kind}'
            if self.kind == 'png':
                write_bytes(path, encode_depth(depth))
                continue
            arrays = dict(depth=depth)
            if not self.original and camera in result.confidence:
                arrays['confidence'] = result.confidence[camera]
            content = io.BytesIO()
            np.savez_compressed(content, **arrays)
            write_bytes(path, content.getvalue())

    def files(self, name: str, cameras: tuple) -> list:
        """See :meth:`Sink.files`."""
        return [f'{output_path(self.folder, name, camera)}.{self.kind}' for camera in cameras]
