"""The view transform of Lift-Splat-Shoot with a depth student's bins as its depth distribution."""

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from fsmde.bins import DepthBins
from fsmde.rig import RigBatch
from fsmde.structures import StudentOutput

from .depth_distribution import rebin_to_grid
from .lift_splat import BEVGrid, lift_splat, whole_steps


@MODELS.register_module()
class DepthDistributionLSSTransform(BaseModule):
    """Camera features and a student's (probabilities, centers) -> BEV features.

    Takes the place of BEVFusion's ``LSSTransform`` and BEVDet's ``LSSViewTransformer`` and is configured with the same
    names; their depth net is gone, the distribution is the student's.

    Args:
        in_channels: Channels of the camera features.
        out_channels: Channels of the BEV features.
        xbound, ybound: (low, high, step) of the cells in metres, in the LiDAR's frame.
        zbound: (low, high) in metres; heights in between are summed into one cell. A step as third number, as BEVFusion
            and BEVDet have it, must be all of it.
        dbound: (low, high, step) of a uniform depth grid in metres to which the bins are re-binned; mass beyond it is
            dropped. Far log bins are wider than BEV cells, and lifted at their centers they leave rings: hence the
            default. None lifts at the bins' own centers, which costs less.
        downsample: Features and probabilities are averaged over squares of this many pixels first.
        bins: Codec of the student's head. :class:`BEVDepthDetector` fills it in.

    Raises:
        ValueError: If a bound is crossed or no multiple of its step, or ``dbound`` is given without ``bins``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        xbound=(-51.2, 51.2, 0.8),
        ybound=(-51.2, 51.2, 0.8),
        zbound=(-5.0, 3.0),
        dbound=(1.0, 61.0, 0.5),
        downsample: int = 4,
        bins: DepthBins = None,
        norm_cfg=dict(type='BN'),  # noqa: B006
        init_cfg=None,
    ):
        super().__init__(init_cfg)
        low, high, *layers = zbound
        if layers and layers != [high - low]:
            raise ValueError(
                f'zbound must be (low, high): all heights are summed into one cell, and no layers of {layers[0]} m are made; '
                f'found {tuple(zbound)}'
            )
        self.grid = BEVGrid(tuple(xbound), tuple(ybound), (low, high))
        self.bins, self.downsample = bins, downsample
        self.context = ConvModule(in_channels, out_channels, 1, norm_cfg=norm_cfg)
        grid_edges = None
        if dbound is not None:
            if bins is None:
                raise ValueError('re-binning to dbound needs bins, the DepthBins of the student')
            low, high, step = dbound
            if not (0 < low < high and step > 0 and whole_steps(low, high, step)):
                raise ValueError(
                    f'dbound must be (low, high, step) with 0 < low < high and a whole number of steps > 0, found {dbound}'
                )
            grid_edges = torch.arange(low, high + step / 2, step)
        self.register_buffer('grid_edges', grid_edges, persistent=False)

    def forward(
        self,
        student: StudentOutput,
        camera_intrinsics: Tensor,
        camera2lidar: Tensor,
        image_size,
        lidar_aug_matrix=None,
    ) -> Tensor:
        """Lift and splat.

        Args:
            student: Output with ``logits`` (B, N, K, h, w), ``centers`` (B, N, K) and ``features`` (B * N, C, h, w). For
                features of another backbone put those, at the size of the logits, in the place of the student's.
            camera_intrinsics: (B, N, 3, 3) in pixels of the network's input, image augmentation included.
            camera2lidar: (B, N, 4, 4).
            image_size: (H, W) of the network's input.
            lidar_aug_matrix: (B, 4, 4) augmentation of the LiDAR's frame that the boxes went through.

        Returns:
            (B, out_channels, rows, columns): y and x, the layout of mmdet3d's pillar features.

        Raises:
            ValueError: If features and logits differ in size, or it is no multiple of ``downsample``; if the student's
                centers are factored.
        """
        if student.log_scale is not None:
            raise ValueError(
                "factored centers differ from pixel to pixel: take a student with centers='learned' or 'fixed'"
            )
        B, N, _, h, w = student.logits.shape
        if student.features.shape[-2:] != (h, w) or h % self.downsample or w % self.downsample:
            raise ValueError(
                f'features {tuple(student.features.shape[-2:])} and logits {(h, w)} must have one size, a multiple of '
                f'downsample={self.downsample}'
            )
        context = self.context(F.avg_pool2d(student.features, self.downsample)).unflatten(0, (B, N))
        with torch.autocast(context.device.type, enabled=False):
            probabilities = student.logits.float().softmax(2).flatten(0, 1)
            probabilities = F.avg_pool2d(probabilities, self.downsample).unflatten(0, (B, N))
            depths = student.centers
            if self.grid_edges is not None:
                probabilities = rebin_to_grid(probabilities, student.centers, self.bins, self.grid_edges)
                depths = ((self.grid_edges[1:] + self.grid_edges[:-1]) / 2).expand(B, N, -1)
            # The grid lies in the LiDAR's frame: that is where this rig's cameras lead.
            neighbors = torch.full((N, 2), -1, device=context.device)
            rig = RigBatch(camera_intrinsics, camera2lidar, neighbors, tuple(image_size))
            return lift_splat(context, probabilities, depths, rig, self.grid, lidar_aug_matrix)
