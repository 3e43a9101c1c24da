"""What is known of a view's depth: LiDAR, measured distances, the road."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fsmde.plain_data import check_keys, nearest
from fsmde.rig_camera import RigCamera

from ..result import DepthResult
from .ground import camera_height

#: Columns of a file of distances: the last one is z-depth, along the optical axis, or the distance from the camera.
COLUMNS, KINDS = ('frame', 'camera', 'u', 'v'), ('z_depth', 'range')
NEAREST = 0.5


@dataclass
class Evidence:
    """What is known of one view.

    Args:
        frame, camera: Names.
        predicted, measured: (P,) metres, positive.
    """

    frame: str
    camera: str
    predicted: np.ndarray
    measured: np.ndarray

    def split(self) -> list:
        """One :class:`Evidence` a value."""
        pairs = zip(self.predicted, self.measured)
        return [Evidence(self.frame, self.camera, np.array([p]), np.array([m])) for p, m in pairs]


class Distance(NamedTuple):
    """A measured distance.

    Args:
        camera: Its name.
        u, v: Column and row of a pixel of the original image, counted from 0.
        kind: ``'z_depth'``, along the optical axis, or ``'range'``, from the camera.
        metres: How far.
        where: What messages call it: file and line.
    """

    camera: str
    u: int
    v: int
    kind: str
    metres: float
    where: str = 'a distance'


def _evidence(result, camera, predicted, measured):
    usable = (predicted > 0) & np.isfinite(predicted)
    if not usable.any():
        return []
    return [Evidence(result.name, camera, predicted[usable].astype(np.float64), measured[usable].astype(np.float64))]


def lidar_evidence(result: DepthResult, pixels: dict, max_depth: float = 80.0) -> list:
    """Of LiDAR points in the pixels of the original images.

    Args:
        result: The prediction.
        pixels: By camera (P,) column, (P,) row and (P,) z-depth in metres.
        max_depth: Points beyond it, in metres, are left out, and those nearer than 0.5 m, which are of the car.
    """
    found = []
    for camera in result.cameras:
        u, v, z = pixels.get(camera, (np.empty(0, int),) * 3)
        kept = (z > NEAREST) & (z < max_depth)
        if kept.any():
            found += _evidence(result, camera, result.original(camera)[v[kept], u[kept]], z[kept])
    return found


def pixels_of_points(points: np.ndarray, camera: RigCamera) -> tuple:
    """Column, row and z-depth of the (P, 3) points in the ego frame, metres, that a camera sees, through its lens.

    Raises:
        ValueError: If the camera's pose is not known.
    """
    if camera.cam2ego is None:
        raise ValueError(f'camera {camera.name} has no cam2ego: LiDAR points cannot be brought into its images')
    points = points[np.isfinite(points).all(1)]
    in_camera = (points - camera.cam2ego[:3, 3]) @ camera.cam2ego[:3, :3]
    in_camera = in_camera[in_camera[:, 2] > 0]
    pixels = camera.pixels_of(in_camera)
    inside = np.isfinite(pixels[:, 0])
    u, v = pixels[inside].astype(int).T
    return u, v, in_camera[inside, 2]


def read_distances(path) -> dict:
    """Measured distances of a CSV file with the columns frame, camera, u, v and z_depth or range.

    ``u`` and ``v`` are column and row of a pixel of the original image, counted from 0. ``z_depth`` is in metres along the
    optical axis, ``range`` in metres from the camera, as a laser or a tape measures it.

    Returns:
        By frame a list of :class:`Distance`.

    Raises:
        FileNotFoundError, ValueError: If the file is absent or not like that; names line and column.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no file of distances at {path}')
    found = {}
    try:
        # A spreadsheet begins with a byte order mark.
        rows = csv.DictReader(io.StringIO(path.read_bytes().decode('utf-8-sig'), newline=''))
        names = rows.fieldnames = [name.strip() for name in rows.fieldnames or ()]
        lines = [(rows.line_num, row) for row in rows]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is no CSV file: {error}') from error
    if len(names) == 1 and ';' in names[0]:
        raise ValueError(f'{path}: columns are separated by commas, found semicolons; decimals have a point, no comma')
    # A comma behind the last value makes a column without a name.
    while names and not names[-1]:
        names.pop()
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'{path}: columns are named twice: {twice}')
    check_keys(dict.fromkeys(names), (*COLUMNS, *KINDS), str(path))
    kinds = [kind for kind in KINDS if kind in names]
    if not set(COLUMNS) <= set(names) or len(kinds) != 1:
        raise ValueError(f'{path}: expected the columns {", ".join(COLUMNS)} and one of {KINDS}, found {names}')
    for number, row in lines:
        where = f'{path}, line {number}'
        if any(row.get(None) or ()):
            raise ValueError(
                f'{where}: more values than the columns {", ".join(names)}; decimals have a point, no comma'
            )
        frame, camera = ((row[name] or '').strip() for name in ('frame', 'camera'))
        if not (frame and camera):
            raise ValueError(f'{where}: frame or camera is empty')
        try:
            u, v, metres = int(row['u']), int(row['v']), float(row[kinds[0]])
        except (TypeError, ValueError) as error:
            raise ValueError(f'{where}: expected whole pixels u and v and {kinds[0]} in metres ({error})') from error
        if not 0 < metres < 1000:
            raise ValueError(f'{where}: {kinds[0]} must be positive metres below 1000, found {metres:g}')
        found.setdefault(frame, []).append(Distance(camera, u, v, kinds[0], metres, where))
    if not found:
        raise ValueError(f'{path} holds no distance')
    return found


def distance_evidence(result: DepthResult, distances: list) -> list:
    """Of measured distances.

    Args:
        result: The prediction.
        distances: :class:`Distance`, or tuples of its values.

    Raises:
        ValueError: If a camera is not in the rig or a pixel not in its image; names both.
    """
    by_camera = {}
    rig = result.original_rig
    for distance in distances:
        camera, u, v, kind, metres, where = Distance(*distance)
        if camera not in rig.names:
            raise ValueError(f'{where}: {rig.origin} has no camera {camera!r}{nearest(camera, rig.names)}')
        width, height = rig[camera].size
        if not (0 <= u < width and 0 <= v < height):
            raise ValueError(f'{where}: pixel ({u}, {v}) is not in an image of {width}x{height} of camera {camera}')
        z = metres if kind == 'z_depth' else metres * _ray(rig[camera], u, v)[2]
        by_camera.setdefault(camera, []).append((u, v, z))
    found = []
    for camera, rows in by_camera.items():
        if camera in result.cameras:
            u, v, z = map(np.array, zip(*rows))
            found += _evidence(result, camera, result.original(camera)[v, u], z)
    return found


def _ray(camera, u, v):
    """Unit vector in the camera frame through the middle of a pixel of the original image."""
    plane = np.linalg.inv(camera.cam2img) @ [u + 0.5, v + 0.5, 1]
    return camera.lens.unproject(plane[:2])


def ground_evidence(result: DepthResult, ego_height: float = None) -> list:
    """Of the road: the heights at which the rig says that its cameras are, and those that the prediction shows.

    See :func:`camera_height` for what is assumed. Cameras that do not see the vehicle's own lane give none.

    Args:
        result: The prediction.
        ego_height: Metres of the ego frame's origin over the road, for cameras without ``height_over_road``; None where
            it is not known.

    Raises:
        ValueError: If a pose is not known, or no height is.
    """
    poses, found, known = result.cam2ego, [], False
    for pose, view in zip(poses, result.views.values()):
        height = view.camera.height_over_road
        if height is None and ego_height is not None:
            height = pose[2, 3] + ego_height
        if height is None:
            continue
        known = True
        shown = camera_height(view, height)
        if shown is not None:
            found.append(Evidence(result.name, view.original.name, np.array([shown]), np.array([height])))
    if not known:
        raise ValueError(
            f'{result.original_rig.origin}: no camera has height_over_road: write it into the rig file, or give the height of '
            'the ego frame over the road, --ego-height (0 where its origin is on the road, as in nuScenes)'
        )
    return found
