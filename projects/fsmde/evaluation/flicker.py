"""Temporal flicker: does the predicted static world stay where it is while the car drives through it?"""

import numpy as np
from scipy.spatial import cKDTree

from .aggregate import mean_of_known
from .consistency import hidden_points
from .functional import LOG_FLOOR, replace_non_finite
from .ground_truth import TruthPixels
from .spool import read_spooled

#: Two points of successive sweeps are one place of the static world if they are nearer than this share of the distance.
SAME_PLACE = 0.02
#: Columns of :func:`flicker_sums`.
FLICKER_SUMS = ('points', 'abs_log', 'abs_rel')


def seen_points(truth: TruthPixels, pred, depth_range, cam2img, cam2world) -> dict:
    """What must be kept of a frame to compare it with the one before and the one behind.

    Args:
        truth: Full-size pixels within the range; those of :func:`hidden_points` are left out.
        pred: (N, h, w) metres.
        depth_range: (min_depth, max_depth) in metres that predictions are clamped to.
        cam2img: (N, 3, 3) float64 at full size.
        cam2world: (N, 4, 4) float64, each at its camera's own time.

    Returns:
        dict: ``camera``, ``u``, ``v``, ``z`` and ``pred`` (P,) with z-depths in metres, and the two matrices.
    """
    truth = truth[~hidden_points(truth, cam2img[:, 0, 0])]
    values, _ = replace_non_finite(truth.read(pred), truth.z, *depth_range)
    return dict(
        camera=truth.camera.astype(np.int8),
        u=truth.u.astype(np.int16),
        v=truth.v.astype(np.int16),
        z=truth.z.astype(np.float32),
        pred=np.clip(values, max(depth_range[0], LOG_FLOOR), depth_range[1]).astype(np.float32),
        cam2img=cam2img,
        cam2world=cam2world,
    )


def flicker_sums(before: dict, now: dict) -> np.ndarray:
    """Compare the predictions that two successive frames make of the static points that a camera sees in both.

    The points of the frame before, measured X' and predicted P', are moved by the ego motion into the present camera
    frame, where X is measured and P predicted. A present point is static and seen in both if an X' lies within
    :data:`SAME_PLACE` of it; what moves farther than that, or is hidden in one of the frames, has none. With
    r = (\\|P\\| / \\|X\\|) / (\\|P'\\| / \\|X'\\|), distances from the present camera, it adds \\|ln r\\| and \\|r - 1\\|. The
    measured distances are in r because two sweeps never hit quite the same place.

    Args:
        before, now: Of :func:`seen_points`.

    Returns:
        (N, 3) float64 sums in the order of :data:`FLICKER_SUMS`.
    """
    moves = np.linalg.inv(now['cam2world']) @ before['cam2world']
    sums = np.zeros((len(moves), len(FLICKER_SUMS)))
    for camera, move in enumerate(moves):
        measured, predicted = _points_of(now, camera)
        moved, moved_predicted = (points @ move[:3, :3].T + move[:3, 3] for points in _points_of(before, camera))
        if not len(measured) or not len(moved):
            continue
        gap, nearest = cKDTree(moved).query(measured)
        static = gap < SAME_PLACE * np.linalg.norm(measured, axis=1)
        nearest = nearest[static]
        ratio = _distance_ratio(predicted[static], measured[static])
        ratio /= _distance_ratio(moved_predicted[nearest], moved[nearest])
        sums[camera] = len(ratio), np.abs(np.log(ratio)).sum(), np.abs(ratio - 1).sum()
    return sums


def _points_of(frame, camera):
    """Measured and predicted points (P, 3) of one camera in its own frame."""
    mine = frame['camera'] == camera
    u, v, z, pred = (frame[key][mine].astype(np.float64) for key in ('u', 'v', 'z', 'pred'))
    rays = np.stack([u + 0.5, v + 0.5, np.ones(len(u))], -1) @ np.linalg.inv(frame['cam2img'][camera]).T
    return rays * z[:, None], rays * pred[:, None]


def _distance_ratio(predicted, measured):
    # A predicted point that the present camera has reached has no logarithm: it counts as 1 mm away.
    return np.maximum(np.linalg.norm(predicted, axis=1), LOG_FLOOR) / np.linalg.norm(measured, axis=1)


def flicker_results(rows: list, cameras) -> dict:
    """Flicker of the frames that follow another one of their scene.

    Figures of each frame and camera, mean over a camera's frames, mean over cameras.

    Args:
        rows: Distinct :class:`fsmde.evaluation.rows.FrameRow` by ascending index.

    Returns:
        dict: ``frames`` compared with the one before, ``overall`` and ``cameras`` with ``abs_log`` = mean \\|ln r\\|,
        ``abs_rel`` = mean \\|r - 1\\|, ``points`` and the ``frames`` of ``of_frames`` that have any (of all cameras together
        in ``overall``); empty if no frame follows another.
    """
    sums, last, last_row = [], None, None
    for row in rows:
        present = read_spooled(row.seen)
        if last_row is not None and (row.source, row.scene, row.index) == (
            last_row.source,
            last_row.scene,
            last_row.index + 1,
        ):
            sums.append(flicker_sums(last, present))
        last, last_row = present, row
    if not sums:
        return {}
    sums = np.stack(sums)
    points = sums[..., 0]
    means = np.where(points[..., None] > 0, sums[..., 1:] / np.maximum(points, 1)[..., None], np.nan)
    of_cameras = mean_of_known(means, 0)
    figures = lambda values, count: dict(
        zip(FLICKER_SUMS[1:], map(float, values)),
        points=int(count.sum()),
        frames=int((count > 0).sum()),
        of_frames=count.size,
    )
    return dict(
        frames=len(sums),
        overall=figures(mean_of_known(of_cameras, 0), points),
        cameras={c: figures(of_cameras[n], points[:, n]) for n, c in enumerate(cameras)},
    )
