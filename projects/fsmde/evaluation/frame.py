"""One frame under one protocol: pixels in, sums out."""

from dataclasses import dataclass

import numpy as np

from .functional import LOG_FLOOR, affine_fit, error_terms, median_ratio, replace_non_finite, sum_terms
from .ground_truth import TruthPixels
from .protocols import Protocol

#: How a prediction's scale is treated before it is compared: as it is, times median(gt) / median(pred) of each image,
#: times one such ratio for the whole rig, or with the scale and shift of its inverse fitted in each image.
MODES = ('metric', 'median', 'shared_median', 'affine')


@dataclass(frozen=True)
class Regions:
    """The parts of an image that figures are given for.

    Args:
        distances: Ascending edges in metres; a pixel with edge_k <= ground truth < edge_k+1 is in interval k.

    Raises:
        ValueError: If they are not ascending.
    """

    distances: tuple = (0.0, 20.0, 40.0, 80.0, 200.0)

    def __post_init__(self):
        if any(near >= far for near, far in zip(self.distances, self.distances[1:])):
            raise ValueError(f'distances must be ascending edges in metres, found {self.distances}')

    @property
    def names(self) -> tuple:
        """``'all'``, ``'overlap'`` and one name per interval, such as ``'0-20'``."""
        edges = [f'{edge:g}' for edge in self.distances]
        return ('all', 'overlap', *(f'{near}-{far}' for near, far in zip(edges, edges[1:])))

    def sums(self, truth: TruthPixels, terms, num_cameras: int) -> np.ndarray:
        """Sums (N, R, 10) by camera and region of the error terms (10, P) of P pixels."""
        intervals = len(self.distances) - 1
        # Interval 0 and the last hold what lies outside the edges: it counts for 'all' only.
        interval = np.searchsorted(self.distances, truth.z, side='right')
        by_distance = sum_terms(terms, truth.camera * (intervals + 2) + interval, num_cameras * (intervals + 2))
        by_distance = by_distance.reshape(num_cameras, intervals + 2, -1)
        overlap = sum_terms(terms[:, truth.overlap], truth.camera[truth.overlap], num_cameras)
        return np.concatenate([by_distance.sum(1, keepdims=True), overlap[:, None], by_distance[:, 1:-1]], 1)


def rescaling(mode: str, truth: TruthPixels, pred, num_cameras: int, rule: str):
    """What a mode does to predictions (P,); those not finite have no vote in it.

    Returns:
        A function of (P',) cameras and (P',) predictions that returns (P',) rescaled ones.
    """
    if mode == 'metric':
        return lambda camera, values: values
    finite = np.isfinite(pred)
    mine = [finite & (truth.camera == camera) for camera in range(num_cameras)]
    if mode == 'affine':
        # An inverse of 0 has no depth; the protocol's range ends long before a kilometre.
        a, b = np.array([affine_fit(truth.z[m], pred[m]) for m in mine]).T
        return lambda camera, values: 1 / np.maximum(a[camera] / np.maximum(values, LOG_FLOOR) + b[camera], 1e-3)
    if mode == 'shared_median':
        mine = [finite] * num_cameras
    ratios = np.array([median_ratio(truth.z[m], pred[m], rule) for m in mine])
    return lambda camera, values: values * ratios[camera]


def scaled_sums(depth_range, regions: Regions, truth: TruthPixels, pred, rescale, num_cameras: int) -> np.ndarray:
    """Sums (N, R, 10) of a frame after scaling and clamping.

    Args:
        depth_range: (min_depth, max_depth) in metres.
        truth: P pixels within the range.
        pred: (P,) predictions as :func:`raw_prediction` returns them.
        rescale: Of :func:`rescaling`.
    """
    low, high = depth_range
    scaled = np.where(np.isfinite(pred), rescale(truth.camera, pred), np.nan)
    pred, bad = replace_non_finite(scaled, truth.z, low, high)
    terms = error_terms(truth.z, np.clip(pred, low, high))
    terms[-1] = bad
    return regions.sums(truth, terms, num_cameras)


def raw_prediction(protocol: Protocol, depth_range, truth: TruthPixels, pred) -> np.ndarray:
    """(P,) prediction (N, h, w) at the pixels of ground truth, clamped if the protocol clamps before the median."""
    values = truth.read(pred)
    if not protocol.clamp_before_median:
        return values
    return np.where(np.isfinite(values), np.clip(values, *depth_range), values)


def frame_sums(protocol: Protocol, depth_range, regions: Regions, truth: TruthPixels, pred, num_cameras, modes):
    """Sums (M, N, R, 10) of one frame in each of M modes, the medians taken over this frame alone.

    Args:
        truth: P pixels within ``depth_range``, metres.
        pred: (P,) of :func:`raw_prediction`.
    """
    ways = (rescaling(mode, truth, pred, num_cameras, protocol.median) for mode in modes)
    return np.stack([scaled_sums(depth_range, regions, truth, pred, way, num_cameras) for way in ways])
