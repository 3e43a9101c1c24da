"""Reading a LiDAR cloud, and refusing what cannot be one."""

import os.path as osp

import numpy as np
from mmengine.logging import MMLogger
from scipy.spatial.transform import Rotation

from fsmde.array_files import MAX_BYTES, read_npz
from fsmde.arrow_files import read_feather

#: Metres. The farthest returns of the LiDARs we have files of are at 80 to 231 m, those of any car's under 600 m.
MAX_COORDINATE = 1000.0
#: Of a cloud's finite points. More that are farther are no stray returns: another unit, another frame or another type.
MAX_FAR_SHARE = 0.01
#: Columns that a point may have.
MAX_COLUMNS = 16

_LOGGED_FOLDERS = set()


def load_frame_points(frame: dict) -> np.ndarray:
    """(P, 3) float64 LiDAR points of a frame with LiDAR, metres, in the LiDAR's frame at the frame's time.

    Args:
        frame: Entry of an index, see :class:`fsmde.datasets.SurroundDepthDataset`.

    Raises:
        FileNotFoundError, ValueError: See :func:`load_points`.
    """
    points = load_points(frame['lidar_path'], frame['lidar_dims'], frame.get('lidar_columns', (0, 1, 2)))
    points = np.asarray(points[:, :3], dtype=np.float64)
    return points if frame.get('lidar_turn') is None else without_turn(points, frame['lidar_turn'])


def without_turn(points: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Bring the points of a LiDAR that turns to the time at which it looked ahead.

    As ``curlVelodyneData`` of kitti360scripts has it, for a LiDAR that turns clockwise, seen from above: at the azimuth a
    it was a / 360 degrees of a turn before that time.

    Args:
        points: (P, 3) metres in the LiDAR's frame (x forward, y left, z up) at each point's own time.
        turn: (4, 4) motion during a turn: maps points in the LiDAR's frame of a turn before into that of now.
    """
    share = np.arctan2(points[:, 1], points[:, 0])[:, None] / (2 * np.pi)
    angle = Rotation.from_matrix(turn[:3, :3]).as_rotvec()
    # Rodrigues' formula, for a rotation by share * angle.
    theta = share * np.linalg.norm(angle)
    axis = angle / max(np.linalg.norm(angle), 1e-12)
    along = np.einsum('pi,i->p', points, axis)[:, None]
    turned = points * np.cos(theta) + np.cross(axis, points) * np.sin(theta) + axis * along * (1 - np.cos(theta))
    return turned + share * turn[:3, 3]


def load_points(path: str, dims: int = None, columns=(0, 1, 2)) -> np.ndarray:
    """Read a LiDAR cloud: (P, >= 3), x, y, z in metres in the first columns.

    From DGP's .npz, nuScenes' .bin, or the columns x, y and z of Argoverse 2's .feather.

    Points with a coordinate that is not finite or farther than :data:`MAX_COORDINATE` are NaN. Each folder where there
    are such points is logged once.

    Args:
        dims: Columns that the index states; None: 4 in a .bin file, and as many as there are in an .npz.
        columns: Which columns are x, y and z.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is cut, of another layout or type than stated, or its coordinates are none.
    """
    if path.endswith('.npz'):
        points = _read_npz(path)
    elif path.endswith('.bin'):
        points = _read_bin(path, dims or 4)
    elif path.endswith('.feather'):
        points = np.stack(list(read_feather(path, 'x', 'y', 'z').values()), 1).astype(np.float64)
    else:
        raise ValueError(
            f'{path}: LiDAR clouds are .npz (key data), .bin (raw float32) or .feather (columns x, y, z) files; convert it'
        )
    if points.ndim != 2 or not 3 <= points.shape[1] <= MAX_COLUMNS or (dims and points.shape[1] != dims):
        raise ValueError(
            f'{path}: a cloud has the shape (points, {dims or f"3 to {MAX_COLUMNS}"}), found {points.shape}: transposed, '
            'or of other columns than the index states?'
        )
    if tuple(columns) != (0, 1, 2):
        points = np.concatenate([points[:, columns], np.delete(points, columns, axis=1)], 1)
    return _without_implausible(path, points)


def _read_npz(path):
    points = read_npz(path, 'data')['data']
    if points.dtype.kind not in 'fiu':
        raise ValueError(f'{path} is no LiDAR cloud: its data are {points.dtype}, no numbers')
    return points.astype(np.float64)


def _read_bin(path, dims):
    if dims < 3:
        raise ValueError(f'{path}: a point has at least 3 columns, the index states {dims}')
    size = osp.getsize(path)
    if size > MAX_BYTES:
        raise ValueError(f'{path} has {size} bytes, more than {MAX_BYTES}')
    if size % (4 * dims):
        raise ValueError(
            f'{path}: {size} bytes are no whole number of points of {dims} float32: the file is cut, or has other columns '
            'than the index states (num_pts_feats)'
        )
    points = np.fromfile(path, dtype=np.float32).reshape(-1, dims)
    fault = column_fault(points)
    if fault:
        raise ValueError(f'{path}: {dims} columns are stated (num_pts_feats), and {fault}')
    return points


def _without_implausible(path, points):
    finite = np.isfinite(points[:, :3]).all(axis=1)
    far = finite & (np.abs(points[:, :3]) > MAX_COORDINATE).any(axis=1)
    if not finite.any():
        raise ValueError(f'{path} holds no finite point: shape {points.shape}')
    if not points[finite, :3].any():
        raise ValueError(f'{path} holds no point but the origin: shape {points.shape}')
    share = far.sum() / finite.sum()
    if share > MAX_FAR_SHARE:
        raise ValueError(
            f'{path}: {share:.1%} of its finite points have a coordinate beyond {MAX_COORDINATE:g} m: not in metres, not '
            'in the frame of the LiDAR, or of other columns or another type than the index states'
        )
    lost = len(points) - finite.sum() + far.sum()
    if lost:
        if osp.dirname(path) not in _LOGGED_FOLDERS:
            _LOGGED_FOLDERS.add(osp.dirname(path))
            MMLogger.get_current_instance().warning(
                f'{path}: {lost / len(points):.1%} of the points are not finite or beyond {MAX_COORDINATE:g} m and left out '
                '(said once a folder)'
            )
        points = points.copy()
        points[~finite | far, :3] = np.nan
    return points


def column_fault(points: np.ndarray, blocks: int = 8):
    """Find out that rows of (P, D) float32 are cut at the wrong places.

    What a number is worth depends on its column, and so on its place in the file modulo the number of columns: their
    mutual information is 0.3 to 1 nat in real clouds, whatever the order of the points, and under two thirds of that
    modulo any number that is no multiple of the true one.

    Args:
        blocks: How many runs of 2048 numbers, spread over the file, are looked at. Zeros and what is not finite, which
            stand for no return in many files, are skipped; of under 2,000 other numbers nothing is concluded.

    Returns:
        A sentence that says what fits better than D columns, or None.
    """
    D = points.shape[1]
    values = points.reshape(-1)
    place = np.flatnonzero(np.isfinite(values) & (values != 0))
    if len(place) < 2000:
        return None
    starts = np.linspace(0, max(0, len(place) - 2048), min(blocks, len(place) // 2048 + 1)).astype(np.int64)
    place = place[np.add.outer(starts, np.arange(min(2048, len(place)))).ravel()]
    code = (np.arcsinh(values[place].astype(np.float64)) * 2).round().clip(-16, 15).astype(np.int64) + 16
    information = {L: _information(code, place % L, L) for L in range(2, max(11, D + 1))}
    most = max(information.values())
    if most < 0.05:
        return 'its numbers do not repeat at all: is it stored column by column?'
    best = next(L for L in information if information[L] > 0.95 * most)
    # D can be a multiple of what fits: every second point would be lost.
    if information[D] < 0.7 * most or (2 < best < D and D % best == 0):
        return f'its numbers repeat every {best}: points of {best} columns, or of another type than float32?'
    return None


def _information(code, residue, L) -> float:
    """Mutual information in nats of (n,) integers in [0, 32) and (n,) integers in [0, L)."""
    joint = np.bincount(residue * 32 + code, minlength=32 * L).reshape(L, 32) / len(code)
    independent = np.outer(joint.sum(1), joint.sum(0))
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / independent[seen])).sum())
