"""Predicted depth maps in files, ours or anyone's."""

import os.path as osp

import cv2
import numpy as np

from fsmde.array_files import read_npy, read_npz
from fsmde.image_files import load_image
from fsmde.output_names import output_path

#: ``.png``: 16-bit grey, metres * 256; ``.npz``: float metres under the key ``depth``; ``.npy``: float metres.
SUFFIXES = ('.png', '.npz', '.npy')


def prediction_path(folder: str, frame_id: str, camera: str) -> str:
    """Path, without suffix, of a camera's map: ``<folder>/<frame_id>/<camera>``.

    Names are written as :func:`fsmde.output_names.output_name` says, as ``tools/test.py --out`` does.
    """
    return str(output_path(folder, frame_id, camera))


def read_prediction(path: str) -> np.ndarray:
    """Read a predicted depth map.

    Args:
        path: Without suffix, of :func:`prediction_path`.

    Returns:
        (h, w) float32 metres. A pixel of 0 says that nothing was predicted there and becomes NaN, so that it is
        counted as such.

    Raises:
        FileNotFoundError: If there is no file of a known suffix.
        ValueError: If it is cut or damaged, or does not hold one depth map of the documented type; or there are two files.
    """
    found = [path + suffix for suffix in SUFFIXES if osp.isfile(path + suffix)]
    if not found:
        raise FileNotFoundError(f'there is no prediction {path} with one of the suffixes {SUFFIXES}')
    if len(found) > 1:
        raise ValueError(f'{" and ".join(found)} are maps of one camera: remove one')
    depth = read_depth(found[0])
    return np.where(depth == 0, np.nan, depth).astype(np.float32)


def encode_depth(depth) -> bytes:
    """Content of a 16-bit grey PNG, metres * 256, of an (h, w) depth map in metres; NaN becomes 0."""
    encoded = np.clip(np.nan_to_num(depth) * 256, 0, 65535).round().astype(np.uint16)
    return cv2.imencode('.png', encoded)[1].tobytes()


def read_depth(path: str) -> np.ndarray:
    """Read a depth map in one of the documented formats, see :data:`SUFFIXES`.

    Returns:
        (h, w) float metres as the file has them, 0 where there is none.

    Raises:
        ValueError: If the file is cut, or does not hold one depth map of the documented type.
    """
    if path.endswith('.png'):
        depth = load_image(path, cv2.IMREAD_UNCHANGED)
        if depth.dtype != np.uint16:
            raise ValueError(f'{path}: expected a 16-bit grey PNG of metres * 256, found {_kind(depth)}')
        depth = depth / np.float32(256)
    elif path.endswith('.npz'):
        depth = read_npz(path, 'depth')['depth']
    else:
        depth = read_npy(path)
    if depth.ndim == 3 and len(depth) == 1:
        depth = depth[0]
    if depth.ndim != 2 or not depth.size or not np.issubdtype(depth.dtype, np.floating):
        raise ValueError(f'{path}: expected one (height, width) map of metres, found {_kind(depth)}')
    return depth


def _kind(depth):
    return f'{depth.dtype} {depth.shape}'


def read_frame(folder: str, frame_id: str, cameras) -> np.ndarray:
    """(N, h, w) float32 predictions of a frame's cameras, see :func:`read_prediction`.

    Raises:
        ValueError: If the maps differ in size.
    """
    return read_views({camera: prediction_path(folder, frame_id, camera) for camera in cameras})


def read_views(paths: dict) -> np.ndarray:
    """(N, h, w) float32 predictions by camera name, as :func:`read_frame`."""
    maps = [read_prediction(path) for path in paths.values()]
    if len({depth.shape for depth in maps}) > 1:
        sizes = {path: depth.shape for path, depth in zip(paths.values(), maps)}
        raise ValueError(f'the predictions of the cameras of a frame differ in size: {sizes}')
    return np.stack(maps)
