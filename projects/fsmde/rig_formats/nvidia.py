"""NVIDIA's f-theta cameras, as RDS-HQ (Cosmos-Drive-Dreams) keeps them: one array of numbers a camera."""

import io
import re
import tarfile
from pathlib import Path

import numpy as np

from fsmde.lenses import FThetaBackwardLens, FThetaLens
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from .common import reading, turned_intrinsics

#: cx, cy, width, height, six coefficients, whether they go from pixels to angles; newer files append c, d, e.
COUNTS = (11, 14)
MAX_BYTES = 2**16


def rig_from_ftheta(path, cameras: tuple = None) -> RigFile:
    """The rig of a tar file of ``<clip>.ftheta_intrinsic.<camera>.npy``. It has no poses: RDS-HQ keeps these apart.

    Args:
        path: The file.
        cameras: Names, in their order; by default all, as they stand.

    Raises:
        FileNotFoundError, ValueError: If the file or a camera is absent or not as the format has it.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'no such file: {path}')
    arrays = {}
    with reading(path, "NVIDIA's f-theta intrinsics"):
        try:
            with tarfile.open(path) as archive:
                for member in archive:
                    name = re.fullmatch(r'(?:.*[./])?ftheta_intrinsic\.(\w+)\.npy', member.name)
                    if name and member.isfile() and member.size < MAX_BYTES:
                        arrays[name[1]] = np.load(io.BytesIO(archive.extractfile(member).read()), allow_pickle=False)
        except (tarfile.TarError, EOFError) as error:
            raise ValueError(f'no tar file, or cut: {error}') from error
        names = cameras or list(arrays)
        absent = [name for name in names if name not in arrays]
        if absent or not names:
            raise ValueError(f'it has no {absent or "*.ftheta_intrinsic.<camera>.npy"}, only {list(arrays)}')
        return RigFile([ftheta_camera(name, arrays[name]) for name in names], f'from {Path(path).name}')


def ftheta_camera(name: str, numbers, cam2ego: np.ndarray = None) -> RigCamera:
    """A camera of what RDS-HQ states of it.

    Pixels are counted from the first one's centre. The image's offset from cx, cy is [[c, d], [e, 1]] times the radial one,
    see :func:`fsmde.rig_formats.common.turned_intrinsics`.

    Args:
        numbers: (11,) or (14,), see :data:`COUNTS`.
        cam2ego: (4, 4) pose, or None.

    Raises:
        ValueError: If they cannot be such a camera's; names it.
    """
    values = np.asarray(numbers)
    if (
        values.ndim != 1
        or len(values) not in COUNTS
        or values.dtype.kind not in 'fiu'
        or not np.isfinite(values).all()
    ):
        raise ValueError(f'camera {name}: expected {COUNTS[0]} or {COUNTS[1]} finite numbers, found {values!r:.200}')
    cx, cy, width, height, constant, slope, *rest, backward = values[:11].tolist()
    if constant != 0 or not slope > 0 or backward not in (0, 1):
        raise ValueError(
            f'camera {name}: an f-theta polynomial begins with 0 and a positive number, and its direction is 0 or 1; found '
            f'{[constant, slope]} and {backward:g}'
        )
    powers = np.arange(2, 2 + len(rest))
    focal = 1 / slope if backward else slope
    lens = FThetaBackwardLens(rest * focal**powers) if backward else FThetaLens(np.array(rest) / focal)
    K, turn = turned_intrinsics(values[11:].tolist() or (1.0, 0.0, 0.0), focal, (cx, cy))
    return RigCamera(name, (width, height), K, lens, None if cam2ego is None else cam2ego @ turn)
