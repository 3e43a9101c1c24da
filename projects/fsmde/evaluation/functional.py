"""Depth errors as sums: pure numpy, no state, float64.

Every metric is a function of ten sums over pixels. Sums can be kept per image, added over images, batches and ranks in
any order that is fixed, and turned into metrics at the end: per image or pooled, as a protocol asks.
"""

import numpy as np

#: What :func:`metrics_from_sums` returns, in this order.
METRICS = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'silog', 'd1', 'd2', 'd3')
#: Metrics of which more is better; of the others less is.
HIGHER_IS_BETTER = ('d1', 'd2', 'd3')
#: Columns of :func:`error_terms` and of every array of sums.
SUMS = ('pixels', 'abs_rel', 'sq_rel', 'square', 'log_square', 'log', 'd1', 'd2', 'd3', 'non_finite')
#: Metres. ln and inverse of a prediction below it are taken as those of it: a protocol may clamp to 0.
LOG_FLOOR = 1e-3
MEDIANS = ('mean', 'lower')


def error_terms(gt, pred) -> np.ndarray:
    """Return what each pixel adds to the sums, (10, P) float64 in the order of :data:`SUMS`.

    Per pixel with ground truth g and prediction p: \\|g - p\\| / g, (g - p)^2 / g, (g - p)^2, e^2 and e with
    e = ln p - ln g, and max(g / p, p / g) < 1.25^k (Eigen et al. 2014). ``non_finite`` is left 0, see
    :func:`replace_non_finite`.

    Args:
        gt: (P,) ground truth in metres, > 0.
        pred: (P,) finite prediction in metres, >= 0, already scaled and clamped.
    """
    gt, pred = np.asarray(gt, dtype=np.float64), np.asarray(pred, dtype=np.float64)
    terms = np.zeros((len(SUMS), gt.size))
    square = (gt - pred) ** 2
    log = np.log(np.maximum(pred, LOG_FLOOR)) - np.log(gt)
    with np.errstate(divide='ignore'):
        ratio = np.maximum(gt / pred, pred / gt)
    terms[0] = 1
    terms[1], terms[2], terms[3] = np.abs(gt - pred) / gt, square / gt, square
    terms[4], terms[5] = log**2, log
    for k in (1, 2, 3):
        terms[5 + k] = ratio < 1.25**k
    return terms


def sum_terms(terms, group, num_groups: int) -> np.ndarray:
    """Add up pixels by group.

    Args:
        terms: (10, P) of :func:`error_terms`.
        group: (P,) integer group of each pixel, in [0, num_groups).

    Returns:
        (num_groups, 10) float64 sums.
    """
    return np.stack([np.bincount(group, weights=term, minlength=num_groups) for term in terms], -1)


def metrics_from_sums(sums) -> np.ndarray:
    """Metrics (..., 8) in the order of :data:`METRICS` of sums (..., 10); NaN where there are no pixels.

    AbsRel, SqRel and delta_k are means; RMSE and RMSElog roots of means; SILog = 100 sqrt(mean e^2 - (mean e)^2).
    """
    sums = np.asarray(sums, dtype=np.float64)
    pixels = sums[..., :1]
    with np.errstate(invalid='ignore', divide='ignore'):
        mean = np.where(pixels > 0, sums / pixels, np.nan)
    _, abs_rel, sq_rel, square, log_square, log, d1, d2, d3, _ = np.moveaxis(mean, -1, 0)
    # Rounding may leave a variance of zero a little below zero.
    silog = 100 * np.sqrt(np.maximum(log_square - log**2, 0))
    return np.stack([abs_rel, sq_rel, np.sqrt(square), np.sqrt(log_square), silog, d1, d2, d3], -1)


def replace_non_finite(pred, gt, min_depth: float, max_depth: float):
    """Put the worst value of the range where a prediction is NaN or infinite.

    Such a pixel must neither vanish from the figures (a model could drop what it does badly) nor turn them all into
    NaN: it counts as the end of the range that is farther from the ground truth.

    Returns:
        (P,) float64 predictions, (P,) bool where one was replaced.
    """
    pred = np.asarray(pred, dtype=np.float64)
    bad = ~np.isfinite(pred)
    worst = np.where(gt - min_depth > max_depth - gt, min_depth, max_depth)
    return np.where(bad, worst, pred), bad


def median_ratio(gt, pred, rule: str = 'mean') -> float:
    """Return median(gt) / median(pred), 1 where there is nothing to take it from.

    Args:
        gt, pred: (P,) metres.
        rule: What the median of an even number of values is: the ``'mean'`` of the middle two (numpy) or the
            ``'lower'`` of them (torch).
    """
    if rule not in MEDIANS:
        raise ValueError(f'rule must be one of {MEDIANS}, found {rule!r}')
    if len(gt) == 0:
        return 1.0
    if rule == 'mean':
        top, bottom = np.median(gt), np.median(pred)
    else:
        middle = (len(gt) - 1) // 2
        top, bottom = np.partition(gt, middle)[middle], np.partition(pred, middle)[middle]
    return float(top) / float(bottom) if bottom > 0 else 1.0


def affine_fit(gt, pred) -> tuple:
    """Return (a, b) with 1 / gt = a / pred + b by least squares, (1, 0) where fewer than two predictions differ.

    How relative networks are compared: Ranftl et al. (MiDaS, TPAMI 2022), section 6, "scale and shift in disparity".

    Args:
        gt: (P,) metres, > 0.
        pred: (P,) in metres up to an affine map of its inverse; below :data:`LOG_FLOOR` it is taken as that.
    """
    x, y = 1 / np.maximum(pred, LOG_FLOOR), 1 / np.asarray(gt, dtype=np.float64)
    if len(x) == 0 or np.ptp(x) == 0:
        return 1.0, 0.0
    a = np.mean((x - x.mean()) * (y - y.mean())) / x.var()
    return a, y.mean() - a * x.mean()


def sample_bilinear(maps, camera, u, v, image_sizes) -> np.ndarray:
    """Read maps, as if each were resized to its image's size first, at pixels of that image.

    Equal to bilinear resizing with half-pixel centres (``cv2.resize``, ``interpolate(align_corners=False)``) and then
    reading, at the cost of the pixels read only.

    Args:
        maps: (N, h, w).
        camera, u, v: (P,) integer camera, column and row of each pixel in the full-size image.
        image_sizes: (N, 2) height and width of the full-size images.

    Returns:
        (P,) float64.
    """
    h, w = maps.shape[-2:]
    height, width = np.asarray(image_sizes, dtype=np.float64)[camera].T
    x = np.clip((u + 0.5) * (w / width) - 0.5, 0, w - 1)
    y = np.clip((v + 0.5) * (h / height) - 0.5, 0, h - 1)
    left, top = x.astype(np.int64), y.astype(np.int64)
    fx, fy = x - left, y - top
    # A neighbour of weight 0 is not read: it may lie outside, and zero times infinity is NaN.
    right, bottom = left + (fx > 0), top + (fy > 0)
    flat = np.asarray(maps).reshape(len(maps), -1)
    read = lambda row, column: flat[camera, row * w + column].astype(np.float64)
    with np.errstate(invalid='ignore'):
        upper = read(top, left) * (1 - fx) + read(top, right) * fx
        lower = read(bottom, left) * (1 - fx) + read(bottom, right) * fx
        return upper * (1 - fy) + lower * fy
