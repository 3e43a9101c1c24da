"""The pixels a protocol compares: sparse, so that no full-size map is ever made for the sake of some LiDAR points."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from fsmde.rig import PixelPoints
from fsmde.structures import PackedMask

from .functional import sample_bilinear
from .protocols import INPUT_SIZE, Protocol, get_protocol, identity


@dataclass(frozen=True)
class TruthPixels:
    """Ground truth in P pixels of a frame.

    Args:
        camera, u, v: (P,) integer camera, column and row in an image of ``sizes``.
        z: (P,) z-depth in metres, > 0.
        index: (P,) integer of the LiDAR point: equal in two cameras that both have the point in their images.
        overlap: (P,) bool, True where another camera of the rig has the same LiDAR point in its image.
        sizes: (N, 2) height and width of the images that ``u`` and ``v`` refer to.
    """

    camera: np.ndarray
    u: np.ndarray
    v: np.ndarray
    z: np.ndarray
    index: np.ndarray
    overlap: np.ndarray
    sizes: np.ndarray

    def __getitem__(self, which) -> 'TruthPixels':
        per_pixel = (self.camera, self.u, self.v, self.z, self.index, self.overlap)
        return TruthPixels(*(values[which] for values in per_pixel), self.sizes)

    def within(self, min_depth: float, max_depth: float) -> 'TruthPixels':
        """Those with min_depth < z < max_depth, in metres."""
        # z is float32 and so are the published comparisons: a point at 0.1 m is not above 0.1 m.
        return self[(self.z > np.float32(min_depth)) & (self.z < np.float32(max_depth))]

    def read(self, pred) -> np.ndarray:
        """(P,) float64 prediction (N, h, w), resized bilinearly to the images' sizes, at these pixels."""
        return sample_bilinear(pred, self.camera, self.u, self.v, self.sizes)


def last_of_each(key) -> np.ndarray:
    """Indices of the last occurrence of each distinct value of ``key`` (P,), by ascending value."""
    _, last = np.unique(key[::-1], return_index=True)
    return len(key) - 1 - last


@lru_cache(64)
def shrunk_mask(mask: PackedMask, size: tuple) -> np.ndarray:
    """(h, w) bool: where something of the world is left when a mask is shrunk as VFDepth does it.

    dataset/data_util.py, transform_mask_sample, resizes with Pillow's Lanczos filter; utils/logger.py then takes every
    pixel that is not 0.
    """
    image = Image.fromarray(mask.unpack().astype(np.uint8) * 255)
    return np.asarray(image.resize(size[::-1], Image.Resampling.LANCZOS)) > 0


def truth_pixels(
    protocol: Protocol, pixels: PixelPoints, visible, ori_sizes, input_size, masks=None, dataset: str = None
) -> TruthPixels:
    """Apply a protocol's collision rule, mask and resolution to a frame's LiDAR points.

    The range is applied by :meth:`TruthPixels.within`. Depth maps are made first and masked later: a point that another
    one hides in its pixel does not come back when that one is masked.

    Args:
        pixels: P points at the images' original size, in the sensor's order.
        visible: (P,) bool, False where the point's pixel shows the car itself.
        ori_sizes: (N, 2) height and width of the original images.
        input_size: (height, width) for ``resolution='input'``.
        masks: N :class:`fsmde.structures.PackedMask` at original size for ``mask_size='input'``, None where no point is
            hidden.
        dataset: Name of the data set, see :func:`fsmde.evaluation.protocols.identity`.
    """
    ori_sizes = np.asarray(ori_sizes, dtype=np.int64)
    columns = [pixels.camera, pixels.u, pixels.v, pixels.z, pixels.index, visible]
    if protocol.borders.get(dataset) == 'point':
        columns = [None if column is None else np.asarray(column)[pixels.inner] for column in columns]
    camera, u, v = (column.astype(np.int64) for column in columns[:3])
    z, index, visible = columns[3:]
    overlap = np.bincount(index, minlength=1)[index] > 1
    height, width = ori_sizes.max(0)
    cell = (camera * height + v) * width + u
    if protocol.collisions == 'nearest':
        order = np.argsort(-z, kind='stable')
        keep = order[last_of_each(cell[order])]
    else:
        keep = last_of_each(cell)
    # From here on in raster order, which decides what stays below if several pixels meet in one of the input's.
    if protocol.mask and protocol.mask_size == 'full':
        keep = keep[np.asarray(visible, dtype=bool)[keep]]
    truth = TruthPixels(camera, u, v, z.astype(np.float64), index, overlap, ori_sizes)[keep]
    if protocol.resolution == 'full':
        return truth
    h, w = input_size
    # packnet-sfm, datasets/augmentations.py, resize_depth_preserve: rows and columns times scale, truncated.
    u = (truth.u * (w / ori_sizes[truth.camera, 1])).astype(np.int64)
    v = (truth.v * (h / ori_sizes[truth.camera, 0])).astype(np.int64)
    sizes = np.tile([h, w], (len(ori_sizes), 1))
    truth = TruthPixels(truth.camera, u, v, truth.z, truth.index, truth.overlap, sizes)
    truth = truth[last_of_each((truth.camera * h + v) * w + u)]
    if protocol.mask and protocol.mask_size == 'input' and masks is not None:
        shown = np.stack([shrunk_mask(mask, (h, w)) for mask in masks])
        truth = truth[shown[truth.camera, truth.v, truth.u]]
    return truth


def dense_pixels(depth, valid_mask=None) -> TruthPixels:
    """Ground truth in every pixel of a dense depth (N, H, W) in metres that is not 0.

    Args:
        valid_mask: (N, h, w) bool, False where the car itself is seen; read at the nearest pixel.
    """
    camera, v, u = np.nonzero(depth)
    sizes = np.tile(depth.shape[1:], (len(depth), 1))
    z = depth[camera, v, u].astype(np.float64)
    truth = TruthPixels(camera, u, v, z, np.arange(len(z)), np.zeros(len(z), dtype=bool), sizes)
    if valid_mask is None:
        return truth
    h, w = valid_mask.shape[1:]
    return truth[np.asarray(valid_mask)[camera, v * h // depth.shape[1], u * w // depth.shape[2]]]


def comparison_size(dataset: str, prediction_size: tuple) -> tuple:
    """(height, width) that ``resolution='input'`` compares at: the published one, or else the prediction's own."""
    return INPUT_SIZE.get(dataset, tuple(prediction_size))


def ground_truth_depth(dataset, index: int, protocol='surrounddepth', input_size: tuple = None) -> np.ndarray:
    """Return the depth maps that a protocol compares predictions of a frame with, range and mask applied.

    For anyone who wants to check what a number means; evaluation itself makes no maps.

    Args:
        dataset: A surround data set: has ``metainfo`` and ``lidar_pixels(index)``, which returns a frame's
            :class:`fsmde.rig.PixelPoints` at original size, (P,) bool whether each is not hidden by the car itself,
            and the images' sizes (N, 2); and ``visible_masks(index)`` with N :class:`fsmde.structures.PackedMask` or None.
        index: Of the frame in the data set.
        protocol: Name or :class:`Protocol`, with LiDAR ground truth.
        input_size: (height, width), needed for ``resolution='input'`` on data sets without a published input size.

    Returns:
        (N, H, W) float32 metres, 0 = no ground truth. H and W are those of the largest image of the rig.

    Raises:
        ValueError: If the input size is needed and not known, or the protocol takes dense ground truth.
    """
    protocol = get_protocol(protocol)
    if protocol.ground_truth != 'lidar':
        raise ValueError(f'protocol {protocol.name!r} compares with the dense depth that the data set holds as it is')
    name = identity(dataset.metainfo)
    size = input_size or INPUT_SIZE.get(name)
    if protocol.resolution == 'input' and size is None:
        raise ValueError(
            f'protocol {protocol.name!r} has no input size for data set {dataset.metainfo.get("dataset")!r}: pass '
            'input_size=(h, w)'
        )
    pixels, visible, ori_sizes = dataset.lidar_pixels(index)
    masks = dataset.visible_masks(index) if protocol.mask_size == 'input' else None
    truth = truth_pixels(protocol, pixels, visible, ori_sizes, size, masks, name)
    truth = truth.within(*protocol.range_for(dataset.metainfo))
    depth = np.zeros((len(truth.sizes), *truth.sizes.max(0)), dtype=np.float32)
    depth[truth.camera, truth.v, truth.u] = truth.z
    return depth
