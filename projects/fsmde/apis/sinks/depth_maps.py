"""Depth maps, one file a camera and frame."""

import io

import numpy as np

from fsmde.evaluation.predictions import encode_depth
from fsmde.output_files import write_bytes
from fsmde.output_names import output_path
from fsmde.rectification import MEASURES

from ..result import DepthResult
from .base import Sink

KINDS = ('png', 'npz')


class DepthMaps(Sink):
    """``<folder>/<frame>/<camera>.png`` as ``tools/test.py --out`` writes them, or ``.npz``.

    PNG: 16-bit grey, metres * 256, at most 255.996 m. npz: ``depth`` float32 metres and, of models with bins at the
    network's size, ``confidence`` float32. In both 0 is where nothing is seen. Distances along the rays are in
    ``<camera>.distance.png``, or under ``distance`` in ``<camera>.distance.npz``.

    Args:
        folder: Where to.
        kind: 'png' or 'npz'.
        original: In the pixels of the original images instead of the network's: ``'z_depth'`` or ``'distance'``, see
            :func:`fsmde.virtual_cameras.to_original_pixels`; one file a camera then, else one a view.
    """

    def __init__(self, folder, kind: str = 'png', original: str = None):
        if kind not in KINDS:
            raise ValueError(f'kind must be one of {KINDS}, found {kind!r}')
        if original and original not in MEASURES:
            raise ValueError(f'original must be one of {MEASURES} or None, found {original!r}')
        self.folder, self.kind, self.original = folder, kind, original
        self.ending = f'.distance.{kind}' if original == 'distance' else f'.{kind}'

    def write(self, result: DepthResult) -> None:
        """See :meth:`Sink.write`."""
        depths = result.depth
        if self.original:
            depths = {camera: result.original(camera, self.original) for camera in result.cameras}
        for camera, depth in depths.items():
            path = f'{output_path(self.folder, result.name, camera)}{self.ending}'
            if self.kind == 'png':
                write_bytes(path, encode_depth(depth))
                continue
            arrays = {'distance' if self.original == 'distance' else 'depth': depth}
            if not self.original and camera in result.confidence:
                arrays['confidence'] = result.confidence[camera]
            content = io.BytesIO()
            np.savez_compressed(content, **arrays)
            write_bytes(path, content.getvalue())

    def files(self, name: str, cameras: tuple) -> list:
        """See :meth:`Sink.files`."""
        return [f'{output_path(self.folder, name, camera)}{self.ending}' for camera in cameras]
