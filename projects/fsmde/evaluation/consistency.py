"""Cross-view consistency: do two cameras that see the same point put it at the same distance?"""

from dataclasses import replace

import numpy as np

from .functional import error_terms, replace_non_finite, sample_bilinear, sum_terms
from .ground_truth import TruthPixels, truth_pixels
from .protocols import VFDEPTH, Protocol

#: Degrees: side of the cells in which the occlusion test looks for nearer LiDAR points (nuScenes' beams: 1.33 apart).
CELL = 1.0
#: A point counts as nearer if it is by this share of the distance.
NEARER = 0.2


def adjacent_pairs(neighbors) -> np.ndarray:
    """(Q, 2) pairs of adjacent cameras, each once, of the (N, 2) ring neighbours (left, right; -1 for none)."""
    left = np.asarray(neighbors)[:, 0]
    pairs = {(min(n, m), max(n, m)) for n, m in enumerate(left) if m >= 0}
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def hidden_points(truth: TruthPixels, focal) -> np.ndarray:
    """Find LiDAR points that a nearer surface hides from a camera, which does not sit where the LiDAR does.

    A point is hidden if there are points nearer by :data:`NEARER` in the cells above its own, or in those on both sides
    of it: a car in front of a wall is found, and the ground, of which only the lower parts are nearer, is kept. What
    hides without being hit by the LiDAR itself, such as a van right beside the car, is not found.

    Args:
        truth: P pixels with sizes (N, 2).
        focal: (N,) focal lengths in pixels of these sizes.

    Returns:
        (P,) bool.
    """
    side = np.maximum(np.asarray(focal) * np.tan(np.deg2rad(CELL)), 1)
    row = (truth.v / side[truth.camera]).astype(np.int64) + 1
    column = (truth.u / side[truth.camera]).astype(np.int64) + 1
    rows, columns = (np.asarray(truth.sizes) / side[:, None]).max(0).astype(np.int64) + 3
    nearest = np.full((len(side), rows, columns), np.inf)
    order = np.argsort(-truth.z, kind='stable')
    nearest[truth.camera[order], row[order], column[order]] = truth.z[order]
    around = [nearest[truth.camera, row + r, column + c] for r, c in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1))]
    *above, left, right = (found < truth.z * (1 - NEARER) for found in around)
    return np.any(above, 0) | (left & right)


def distances(camera, x, y, depth, cam2img, cam2frame) -> np.ndarray:
    """(P,) distance in metres from the origin of a frame of the points at image coordinates with z-depths (P,).

    Args:
        x, y: (P,) continuous image coordinates.
        cam2img: (N, 3, 3).
        cam2frame: (N, 4, 4).
    """
    rays = np.einsum('pij,pj->pi', np.linalg.inv(cam2img)[camera], np.stack([x, y, np.ones(len(camera))], -1))
    points = np.einsum('pij,pj->pi', cam2frame[camera, :3, :3], rays * depth[:, None]) + cam2frame[camera, :3, 3]
    return np.linalg.norm(points, axis=-1)


def consistency_sums(truth: TruthPixels, pred, depth_range, pairs, cam2img, lidar2cam) -> np.ndarray:
    """Compare the two predictions of every LiDAR point that two adjacent cameras see.

    Each camera's prediction makes a 3D point, and its distance from the LiDAR, one frame for both cameras with the
    motion between their times in it, is compared with the other's. Every point counts once, in both directions.

    Args:
        truth: Full-size pixels within the range (see :func:`hidden_points` for which of them a camera sees).
        pred: (N, h, w) metres.
        depth_range: (min_depth, max_depth) in metres that predictions are clamped to.
        pairs: (Q, 2) of :func:`adjacent_pairs`.
        cam2img: (N, 3, 3) at full size.
        lidar2cam: (N, 4, 4).

    Returns:
        (Q, 2, 10) sums: the first camera's distance as the reference, then the second's.
    """
    truth = truth[~hidden_points(truth, cam2img[:, 0, 0])]
    values, bad = replace_non_finite(truth.read(pred), truth.z, *depth_range)
    values = np.clip(values, *depth_range)
    metres = distances(truth.camera, truth.u + 0.5, truth.v + 0.5, values, cam2img, np.linalg.inv(lidar2cam))
    sums = np.zeros((len(pairs), 2, 10))
    mine = [np.flatnonzero(truth.camera == camera) for camera in range(len(cam2img))]
    for q, (a, b) in enumerate(pairs):
        _, in_a, in_b = np.intersect1d(truth.index[mine[a]], truth.index[mine[b]], return_indices=True)
        in_a, in_b = mine[a][in_a], mine[b][in_b]
        for direction, (this, other) in enumerate([(in_a, in_b), (in_b, in_a)]):
            terms = error_terms(metres[this], metres[other])
            terms[-1] = bad[in_a] | bad[in_b]
            sums[q, direction] = terms.sum(1)
    return sums


def cylinderdepth_protocol() -> Protocol:
    """How CylinderDepth pools and averages its consistency figures: as VFDepth its depth figures, without the mask."""
    return replace(
        VFDEPTH, name='cylinderdepth', mask=False, mask_size='full', borders={}, frames={}, published_frames={}
    )


def cylinderdepth_sums(pixels, ori_sizes, size, pred, max_depth, neighbors, cam2img, cam2ego) -> np.ndarray:
    """Consistency as CylinderDepth's release computes it (utils/logger.py, compute_depth_losses), for comparison only.

    Each ground-truth pixel is projected into both neighbours, whose predicted distances from the vehicle's origin are
    read at the nearest pixel and *added*: a point that both neighbours see counts with twice its distance. There is no
    occlusion test, and points behind a neighbour are not left out.

    Args:
        pixels: :class:`fsmde.rig.PixelPoints` at original size.
        ori_sizes: (N, 2) original heights and widths.
        size: (h, w) that is compared at.
        pred: (N, h', w') metres, clamped to [0, max_depth].
        neighbors: (N, 2), -1 for none.
        cam2img: (N, 3, 3) at original size.
        cam2ego: (N, 4, 4).

    Returns:
        (N, 10) sums, the camera's own distance as the reference.
    """
    truth = truth_pixels(cylinderdepth_protocol(), pixels, None, ori_sizes, size)
    h, w = size
    scale = np.array([[w, h, 1]]) / np.concatenate([ori_sizes[:, ::-1], np.ones((len(ori_sizes), 1))], 1)
    K = cam2img * scale[:, :, None]

    def predicted_distance(camera, column, row):
        values, _ = replace_non_finite(sample_bilinear(pred, camera, column, row, truth.sizes), 0, 0, max_depth)
        return distances(camera, column, row, np.clip(values, 0, max_depth), K, cam2ego)

    rays = np.einsum(
        'pij,pj->pi', np.linalg.inv(K)[truth.camera], np.stack([truth.u, truth.v, np.ones(len(truth.z))], -1)
    )
    points = np.concatenate([rays * truth.z[:, None], np.ones((len(rays), 1))], 1)
    total, seen = np.zeros(len(rays)), np.zeros(len(rays), dtype=bool)
    for neighbor in np.asarray(neighbors).T:
        other = neighbor[truth.camera]
        move = np.linalg.inv(cam2ego)[neighbor] @ cam2ego
        there = np.einsum('pij,pj->pi', (K[neighbor] @ move[:, :3])[truth.camera], points)
        with np.errstate(all='ignore'):
            column, row = np.rint(there[:, :2] / (there[:, 2:] + 1e-7)).T
        inside = (other >= 0) & (column >= 0) & (column < w) & (row >= 0) & (row < h)
        total[inside] += predicted_distance(
            other[inside], column[inside].astype(np.int64), row[inside].astype(np.int64)
        )
        seen |= inside
    own = predicted_distance(truth.camera[seen], truth.u[seen], truth.v[seen])
    terms = error_terms(own, total[seen])
    return sum_terms(terms, truth.camera[seen], len(ori_sizes))
