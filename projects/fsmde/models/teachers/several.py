"""Several teachers as one: in each region of each view those that agree with LiDAR have the say."""

import torch
import torch.nn.functional as F
from mmdet3d.registry import MODELS
from torch import Tensor

from fsmde.structures import DepthTarget

from ..distillers.alignment import align_to_lidar
from .base import VIEWS, DepthTeacher
from .licence import joined

COMBINATIONS = ('mean', 'choice')
#: Sides of regions as fractions of the image's height, and the LiDAR points that the larger region's error counts as.
REGIONS, PRIOR = (1 / 2, 1 / 4, 1 / 8), 4.0
#: No error is taken as smaller: LiDAR and its calibration are not better.
LEAST_ERROR = 0.02


@MODELS.register_module()
class SeveralTeachers(DepthTeacher):
    """Metric depth from several teachers, each aligned to LiDAR as its space says.

    Of each teacher the error \\|ln d - ln g\\| is known where LiDAR is. It is averaged over regions, large ones first; a
    smaller one's counts as far as it has points. ``'mean'`` is the mean of the teachers' log depths, weighed by 1 / error^2,
    ``'choice'`` takes the one whose error is least. A teacher without an answer, or whose view or frame could not be aligned,
    has no say there; where none has, nothing is valid. Needs LiDAR in the teacher's views, ``KeepTeacherViews(lidar=True)``.
    As it costs as much as all of them, write a cache of it (``tools/cache_teacher.py``): it holds one answer.

    Args:
        teachers: Configs of teachers. Features are those of the first that has them.
        combine: 'mean' or 'choice'.
        feature_size: See :class:`DepthTeacher`.

    Raises:
        ValueError: If there are fewer than two teachers, or there is no such combination.
    """

    def __init__(self, teachers: list, combine: str = 'mean', feature_size: tuple = None):
        if len(teachers) < 2 or combine not in COMBINATIONS:
            raise ValueError(
                f'SeveralTeachers takes two or more teachers and combines them by one of {COMBINATIONS}, found '
                f'{len(teachers)} and {combine!r}'
            )
        self.teachers, self.combine = [MODELS.build(teacher) for teacher in teachers], combine
        self.with_features = next((t for t in self.teachers if t.feature_channels), None)
        channels = self.with_features and self.with_features.feature_channels
        licence = joined(teacher.licence for teacher in self.teachers)
        super().__init__(None, 'depth_metric', channels, feature_size, licence)
        read = {'lidar'}.union(*(teacher.reads for teacher in self.teachers))
        self.reads = tuple(key for key in VIEWS if key in read)

    @property
    def name(self) -> str:
        """Of all of them."""
        return f'{self.combine} of {", ".join(teacher.name for teacher in self.teachers)}'

    def identity(self) -> dict:
        """See :meth:`DepthTeacher.identity`."""
        of_each = [teacher.identity() for teacher in self.teachers]
        return dict(super().identity(), combine=self.combine, teachers=of_each)

    def predict(self, images: Tensor, cam2img: Tensor, lidar: Tensor, **views) -> tuple:
        """See :meth:`DepthTeacher.predict`."""
        target = DepthTarget(lidar, lidar > 0, torch.ones_like(lidar, dtype=torch.bool))
        depths, errors, features = [], [], None
        for teacher in self.teachers:
            output = teacher(images, cam2img, lidar=lidar, **views)
            if teacher is self.with_features:
                features = output.features
            with torch.autocast(images.device.type, enabled=False):
                depth, valid = align_to_lidar(output, target)
                depths.append(depth.log())
                # Where it says nothing it is not wrong: its neighbours are not to suffer from a hole.
                heard = torch.where(valid, lidar, 0)
                errors.append(regional_error(depth, heard).masked_fill(~valid, torch.inf))
        depths, errors = torch.stack(depths), torch.stack(errors)
        if self.combine == 'choice':
            combined = depths.gather(0, errors.argmin(0, keepdim=True))[0]
        else:
            weights = errors.square().reciprocal()
            combined = (weights * depths).sum(0) / weights.sum(0)
        return combined.exp().masked_fill(errors.isinf().all(0), torch.nan), features


def regional_error(depth: Tensor, lidar: Tensor) -> Tensor:
    """Mean \\|ln d - ln g\\| around each pixel of (B, N, H, W) metres, g > 0 where LiDAR is; at least LEAST_ERROR.

    Where a view has no LiDAR it is 1: of several teachers none is preferred.
    """
    measured = lidar > 0
    ratio = torch.where(measured, depth.clamp(min=1e-3) / lidar.clamp(min=1e-3), 1.0)
    error, count = ratio.log().abs(), measured.float()
    total, points = error.sum((-2, -1), keepdim=True), count.sum((-2, -1), keepdim=True)
    found = torch.where(points > 0, total / points.clamp(min=1), 1.0).expand_as(error)
    H, W = error.shape[-2:]
    for region in REGIONS:
        cells = round(1 / region), max(1, round(W / (region * H)))
        # Sums over cells; bilinear between their middles.
        area = H * W / (cells[0] * cells[1])
        total, points = (F.adaptive_avg_pool2d(x, cells) * area for x in (error, count))
        total, points = (F.interpolate(x, (H, W), mode='bilinear', align_corners=False) for x in (total, points))
        found = (total + PRIOR * found) / (points + PRIOR)
    return found.clamp(min=LEAST_ERROR)
