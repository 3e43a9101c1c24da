"""What travels between dataset, model, distillers and metric: typed, with shapes and units."""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import Tensor

#: What the numbers of a teacher's depth map mean, up to which unknown they are right. Each view has unknowns of its own, but
#: of 'multi_view', whose views were answered for together.
DEPTH_SPACES = (
    'disparity_affine_invariant',  # 1 / depth = a t + b (Depth Anything, DPT)
    'depth_affine_invariant',  # depth = a t + b
    'depth_scale_invariant',  # depth = a t
    'depth_scale_invariant_multi_view',  # depth = a t with one a for all views of a frame (Depth Anything 3, VGGT)
    'depth_metric',  # depth = t
)
#: The one in metres, and what is meant where none is said.
METRIC = 'depth_metric'
#: Spaces of positive depth, of which only the unit may be unknown.
POSITIVE = ('depth_scale_invariant', 'depth_scale_invariant_multi_view', METRIC)
#: Spaces whose unknowns are those of a frame.
MULTI_VIEW = ('depth_scale_invariant_multi_view',)


def straightened(depth: Tensor, space: str) -> Tensor:
    """A teacher's numbers in a form in which they can be interpolated; and back, for it is its own inverse.

    Of positive depth that is the inverse: in it planes are straight, and what is infinitely far does not push away what stands
    before it. Others stay as they are, and so does 0, which is nothing.
    """
    return torch.where(depth > 0, depth.reciprocal(), torch.zeros_like(depth)) if space in POSITIVE else depth


class SurroundDepthSample(BaseDataElement):
    """One frame: annotations, calibration and, after ``predict``, the prediction.

    Data fields:
        gt_depth: (N, H, W) float32 LiDAR z-depth in metres at the input's size, 0 = no measurement.
        valid_mask: (N, H, W) bool, False where the car itself is seen.
        teacher_depth, teacher_features: Cached answers, see :class:`fsmde.datasets.LoadTeacherAnswers`.
        pred_depth: (N, H, W) float32 z-depth in metres at the input's size, set by the model.

    Metainfo (arrays are numpy): ``frame_id``, ``sample_idx`` (index in the dataset), ``cam_names``, ``neighbors``
    (N, 2), ``cam2img`` (N, 3, 3), ``cam2ego`` and ``lidar2cam`` (N, 4, 4), ``ori_shape`` (N, 2), ``img_path``,
    ``lidar_path``, ``aug2d`` (N, 3, 3) and ``cam_order`` (N,), see :class:`fsmde.datasets.transforms.LoadSurroundImages`;
    of cached answers ``teacher_cache``, their folder.
    For evaluation also ``lidar_pixels``, see :class:`fsmde.datasets.transforms.KeepLidarPixels`, and where a dataset has
    them ``ori_visible`` (N :class:`PackedMask` of the original images), ``dense_depth`` (N, H0, W0) float32 metres and
    ``ori_cam2world`` (N, 4, 4).
    """

    def pin_memory(self) -> 'SurroundDepthSample':
        """A copy with its tensors in pinned memory, from which they travel to a GPU while the host goes on.

        Loaders with ``pin_memory=True`` call it; what has no such method they leave as it is.
        """
        pinned = self.new()
        pinned.set_data({key: value.pin_memory() for key, value in self.items() if isinstance(value, Tensor)})
        return pinned


@dataclass(frozen=True)
class PackedMask:
    """A mask of some megapixels in some kilobytes, so that it can travel with a frame.

    Args:
        shape: (height, width).
        content: Its bits, row by row, compressed.
    """

    shape: tuple
    content: bytes

    @classmethod
    def pack(cls, mask) -> 'PackedMask':
        """Of an (H, W) bool mask."""
        return cls(mask.shape, zlib.compress(np.packbits(mask).tobytes(), 1))

    def unpack(self) -> np.ndarray:
        """The (H, W) bool mask."""
        bits = np.frombuffer(zlib.decompress(self.content), np.uint8)
        return np.unpackbits(bits, count=self.shape[0] * self.shape[1]).view(bool).reshape(self.shape)


@dataclass
class DepthTarget:
    """What the student is supervised with.

    Args:
        depth: (B, N, H, W) float32 metres, 0 = no measurement. Set to 0 outside ``mask``: a NaN that a mask hides is NaN
            again as soon as it is multiplied by 0, in a gradient above all.
        mask: (B, N, H, W) bool, True where ``depth`` may be used.
        visible: (B, N, H, W) bool, False where the car itself is seen, whether there is a measurement or not.
    """

    depth: Tensor
    mask: Tensor
    visible: Tensor

    def __post_init__(self):
        self.depth = torch.where(self.mask, self.depth, torch.zeros_like(self.depth))


@dataclass
class StudentOutput:
    """What a depth estimator predicts for B frames of N cameras.

    Args:
        depth: (B, N, H, W) z-depth in metres at the input's size.
        logits: (B, N, K, h, w) bin logits, None for a regression head.
        centers: (B, N, K) bin centers in metres of each camera, None for a regression head.
        features: (B * N, C, h, w) the neck's finest feature map.
        log_scale: (B, N, h, w) of factored bin centers, which are ``centers`` times its exponential at each pixel; its
            mean over a view is 0. None where ``centers`` hold at every pixel.
    """

    depth: Tensor
    logits: Tensor = None
    centers: Tensor = None
    features: Tensor = None
    log_scale: Tensor = None


@dataclass
class TeacherOutput:
    """What a frozen teacher says of the same B frames of N cameras, already in the student's augmented views.

    Args:
        depth: (B, N, h, w) float32; what its numbers mean says ``space``. Set to 0 where not ``valid``.
        space: One of :data:`DEPTH_SPACES`.
        valid: (B, N, h, w) bool, False where the teacher saw nothing (outside its image, or not finite).
        features: (B * N, C, h', w') float32 features, None where the teacher offers none. Set to 0 in cells of which no
            pixel is ``valid``.
    """

    depth: Tensor
    space: str
    valid: Tensor
    features: Tensor = None

    def __post_init__(self):
        if self.space not in DEPTH_SPACES:
            raise ValueError(f'space must be one of {DEPTH_SPACES}, found {self.space!r}')
        self.depth = torch.where(self.valid, self.depth, torch.zeros_like(self.depth))
        if self.features is not None:
            seen = F.adaptive_max_pool2d(self.valid.flatten(0, 1).float(), self.features.shape[-2:])[:, None] > 0
            self.features = torch.where(seen, self.features, torch.zeros_like(self.features))
