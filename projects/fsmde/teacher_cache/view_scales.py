"""The scale of a view's relative depth without LiDAR: the one at which other views of known pose show the same.

What self-supervised surround depth learns from (Guizilini et al., FSM, RA-L 2022; Wei et al., SurroundDepth, CoRL 2022), asked
for one number a view: overlaps of cameras and the car's own motion are metric, and the shape is the teacher's.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

#: Metres: how far the nearest quarter of a view is, at least and at most.
NEAREST, FARTHEST = 0.5, 50.0
#: Steps of ln scale: of the search, and around what it finds. And what is searched.
STEP, FINE = 0.1, 0.025
LOG_SCALES = torch.arange(math.log(NEAREST), math.log(FARTHEST), STEP)
#: Sides of the windows in pixels whose normalised cross-correlation is agreement, and how much grey values vary by noise.
WINDOW, NOISE = 5, 2.0
#: Candidates are compared where at least such a share of the pixels of the best-seen one is seen.
SEEN = 0.4
#: A scale is found where that share of a view is seen by others, agrees so well, and so much better than any other scale that
#: differs by more than APART in ln scale.
LEAST_SHARE, LEAST_AGREEMENT, LEAST_MARGIN, APART = 0.02, 0.1, 0.02, 0.25
#: Units of depth: what is infinitely far.
INFINITE = 1e4
#: Pixels between those by which it is seen whether two views overlap.
STRIDE = 4


@dataclass(frozen=True)
class View:
    """An image of known pose.

    Args:
        image: (h, w) float32 grey values of 0 to 255.
        visible: (h, w) bool, False where the car itself is seen.
        cam2img: (3, 3) float32 intrinsics in pixels of the image.
        cam2world: (4, 4) float64.
    """

    image: Tensor
    visible: Tensor
    cam2img: Tensor
    cam2world: Tensor


def view_scales(depth: Tensor, views: list, others: list, shared: bool = False) -> np.ndarray:
    """How many metres a unit of depth is in each view.

    A pixel's point at depth s d is looked for in every other view, and the agreement of s is the normalised
    cross-correlation of grey values around both places, averaged over the pixels that are seen there, of all other views
    together. The scale is the s of the greatest agreement, 0.5 to 50 metres for the nearest quarter of the view.

    What moves, and what another view hides, disagrees at every scale and has little say. A view is left out if fewer than
    2 % of its pixels are seen by others, agreement is under 0.1, or another scale agrees nearly as well.

    Args:
        depth: (N, h, w) float32 of a unit of which 10,000 are infinitely far, as inf is; NaN where it is not known.
        views: The N :class:`View` it is of.
        others: Of each view those :class:`View` that may show the same.
        shared: Whether all views have one scale.

    Returns:
        (N,) float64 metres, NaN where no scale is found.
    """
    units = _nearest_quarters(depth.flatten()[None] if shared else depth.flatten(1)).expand(len(views))
    searches = [_Search(d / u, view, of_view) for d, u, view, of_view in zip(depth, units, views, others)]
    scales = [_find(group) for group in ([searches] if shared else [[search] for search in searches])]
    return np.broadcast_to(scales, len(views)) / units.cpu().double().numpy()


def _nearest_quarters(depth):
    """The lower quartiles (N,) of the known depths of (N, P); NaN where there is none, or it is no depth."""
    quartiles = torch.nanquantile(depth.clamp(max=INFINITE), 0.25, dim=1)
    return quartiles.where(quartiles > 0, math.nan)


def _find(searches):
    """The scale that several searches agree on, NaN if none does."""
    agreement, seen = _agreement(searches, LOG_SCALES)
    best = int(agreement.argmax())
    far = (LOG_SCALES - LOG_SCALES[best]).abs() > APART
    pixels = sum(search.pixels for search in searches)
    found = (
        seen.max() >= LEAST_SHARE * pixels
        and 0 < best < len(LOG_SCALES) - 1
        and agreement[best] >= max(LEAST_AGREEMENT, float(agreement[far].max()) + LEAST_MARGIN)
    )
    if not found:
        return math.nan
    near = LOG_SCALES[best] + torch.arange(-STEP, STEP + FINE / 2, FINE)
    return float(near[_agreement(searches, near)[0].argmax()].exp())


def _agreement(searches, log_scales):
    """Mean agreement (S,) of all searches, -1 where too few pixels are seen, and their number (S,)."""
    sums, seen = (sum(of_all) for of_all in zip(*(search(log_scales) for search in searches)))
    return torch.where(seen > SEEN * seen.max(), sums / seen.clamp(min=1), -1.0), seen


class _Search:
    """Agreement of one view's depth (h, w), the nearest quarter of which is within 1, with other views."""

    def __init__(self, depth, view, others):
        self.pixels = depth.numel()
        known = view.visible & ~depth.isnan()
        depth = torch.where(known, depth.clamp(max=INFINITE), 1.0)
        rays = torch.linalg.inv(view.cam2img) @ _pixels(depth)
        points = (rays * depth.flatten()).view(3, *depth.shape)
        self.windows = [self._overlap(points, known, view, other) for other in others]

    def _overlap(self, points, known, view, other):
        """What is needed of the rows and columns of which the other view shows anything at some scale, or None."""
        move = (torch.linalg.inv(other.cam2world) @ view.cam2world).to(points)
        few = points[:, ::STRIDE, ::STRIDE]
        inside = _project(few, LOG_SCALES.exp().to(points), move, other)[1].any(0) & known[::STRIDE, ::STRIDE]
        if not inside.any():
            return None
        rows, columns = (torch.nonzero(inside.any(axis)).flatten() for axis in (1, 0))
        window = tuple(
            slice(max(0, int(some[0]) * STRIDE - WINDOW), (int(some[-1]) + 1) * STRIDE + WINDOW)
            for some in (rows, columns)
        )
        return points[(slice(None), *window)], known[window], view.image[window], move, other

    def __call__(self, log_scales):
        """Sums of agreement (S,) over pixels and other views, and how many pixels are seen."""
        sums, seen = torch.zeros(len(log_scales)), torch.zeros(len(log_scales))
        for points, known, image, move, other in filter(None, self.windows):
            scales = log_scales.exp().to(points)
            places, inside = _project(points, scales, move, other)
            shown = torch.stack([other.image, other.visible.to(other.image)])
            shown = F.grid_sample(
                shown.expand(len(scales), -1, -1, -1), places, padding_mode='border', align_corners=False
            )
            seen_there = (known & inside & (shown[:, 1] > 0.99)).to(image)
            agreement, enough = _correlation(image, shown[:, 0], seen_there)
            counted = seen_there * enough
            sums += (agreement * counted).sum((1, 2)).cpu()
            seen += counted.sum((1, 2)).cpu()
        return sums, seen


def _pixels(like):
    """Homogeneous centers (3, P) of all pixels of a map; pixel i covers [i, i + 1)."""
    h, w = like.shape
    v, u = torch.meshgrid(torch.arange(h).to(like) + 0.5, torch.arange(w).to(like) + 0.5, indexing='ij')
    return torch.stack([u.flatten(), v.flatten(), torch.ones(h * w).to(like)])


def _project(points, scales, move, other):
    """Places (S, h, w, 2) of scaled points (3, h, w) in another view, -1 to 1 over its image, and which are in it."""
    rotated, h, w = torch.einsum('ij,jhw->ihw', move[:3, :3], points), *other.image.shape
    moved = rotated[None] * scales[:, None, None, None] + move[:3, 3, None, None]
    x, y, z = torch.einsum('ij,sjhw->sihw', other.cam2img, moved).unbind(1)
    places = torch.stack([2 * x / w, 2 * y / h], -1) / z.clamp(min=1e-3)[..., None] - 1
    return places, (z > 1e-3) & (places.abs() < 1).all(-1)


def _correlation(image, shown, seen):
    """Normalised cross-correlation (S, h, w) of an image (h, w) with others (S, h, w) over windows of what is seen.

    And where more than 70 % of a window is: there it means something.
    """
    a, b = image.expand_as(shown), shown
    maps = torch.stack([seen, a * seen, b * seen, a * a * seen, b * b * seen, a * b * seen], 1)
    share, *means = _window_means(maps).unbind(1)
    mean_a, mean_b, aa, bb, ab = (mean / share.clamp(min=1e-6) for mean in means)
    variances = [(square - mean**2).clamp(min=0) + NOISE**2 for square, mean in ((aa, mean_a), (bb, mean_b))]
    return (ab - mean_a * mean_b) / (variances[0] * variances[1]).sqrt(), share > 0.7


def _window_means(maps):
    """Means over windows around each pixel of maps (..., h, w), 0 outside: by rows, then by columns; twice as fast on a CPU as
    avg_pool2d.
    """
    h, w = maps.shape[-2:]
    maps = F.pad(maps, [WINDOW // 2] * 4)
    maps = sum(maps[..., i : i + h, :] for i in range(WINDOW))
    return sum(maps[..., i : i + w] for i in range(WINDOW)) / WINDOW**2
