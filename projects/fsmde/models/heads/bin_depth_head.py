"""The hybrid head: classify each pixel over K depth bins, regress the bins' metric centers."""

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from fsmde.bins import DepthBins
from fsmde.structures import DepthTarget, StudentOutput

from ..losses import chamfer_1d
from .base_depth_head import BaseDepthHead
from .log_scale_field import LogScaleField


@MODELS.register_module()
class BinDepthHead(BaseDepthHead):
    """depth = decode(softmax(logits), centers), see :class:`fsmde.bins.DepthBins`.

    Learned centers collapse under a depth loss alone into a regression in disguise: after 1,500 steps 49 of 64 lay under
    1.5 m and the last at 80 m. A floor under the widths and a chamfer loss to the ground truth keep the bins alive;
    ``bins_spread`` in the log is the standard deviation of the centers in bin space over that of uniform bins.

    Factored centers are c_k(x) = c_k exp(s(x)) with fixed c_k and a smooth field s of log scale: the probabilities say
    the shape and s the scale, where the other kinds of centers leave the scale to K numbers of a view or to the
    probabilities.

    Args:
        in_channels: Channels of the neck.
        bins: Arguments of :class:`fsmde.bins.DepthBins`; its range is metres at the reference focal length.
        centers: 'learned' from pooled features, 'fixed' to the uniform bins, or 'factored', for log spacing.
        scope: Learned centers for each 'view', or one set shared over the 'rig'.
        chamfer_weight: Weight of the chamfer loss between learned centers and ground truth, in bin space.
        scale_bound, scale_stride: Bound and coarseness of s, see :class:`LogScaleField`.
        channels: Hidden channels; those of the neck by default.
        kwargs: See :class:`BaseDepthHead`.
    """

    def __init__(
        self,
        in_channels: int,
        bins: dict,
        centers: str = 'learned',
        scope: str = 'view',
        chamfer_weight: float = 0.1,
        scale_bound: float = 1.5,
        scale_stride: int = 8,
        channels: int = None,
        norm_cfg=dict(type='BN'),  # noqa: B006
        **kwargs,
    ):
        super().__init__(**kwargs)
        if centers not in ('learned', 'fixed', 'factored') or scope not in ('view', 'rig'):
            raise ValueError(
                f"centers must be 'learned', 'fixed' or 'factored', scope 'view' or 'rig': found {centers!r}, {scope!r}"
            )
        if not scale_bound > 0 or scale_stride < 1:
            raise ValueError(f'scale_bound must be positive, scale_stride >= 1: found {scale_bound}, {scale_stride}')
        if chamfer_weight < 0:
            raise ValueError(f'chamfer_weight must be >= 0, found {chamfer_weight}')
        self.bins = DepthBins(**bins)
        self.scope, self.chamfer_weight, self.learned = scope, chamfer_weight, centers == 'learned'
        channels = channels or in_channels
        self.hidden = ConvModule(in_channels, channels, 3, padding=1, norm_cfg=norm_cfg)
        self.classifier = nn.Conv2d(channels, self.bins.num_bins, 1)
        if self.learned:
            self.width_mlp = nn.Sequential(
                nn.Linear(in_channels, channels), nn.ReLU(), nn.Linear(channels, self.bins.num_bins)
            )
        if centers == 'factored' and self.bins.spacing != 'log':
            raise ValueError(f"centers='factored' needs bins with spacing='log', found {self.bins.spacing!r}")
        self.log_scale = LogScaleField(in_channels, scale_bound, scale_stride) if centers == 'factored' else None
        self.register_buffer('fixed_centers', self.bins.centers(), persistent=False)
        self.reach = None if self.log_scale is not None else self.bins.max_depth

    def reference_centers(self, features: Tensor, num_views: int) -> Tensor:
        """(B, N, K) centers in metres at the reference focal length, of (B * N, C, h, w) features."""
        B = features.shape[0] // num_views  # An exporter would take len() for a constant.
        if not self.learned:
            return self.fixed_centers.expand(B, num_views, -1)
        pooled = features.mean((-2, -1)).unflatten(0, (B, num_views))
        if self.scope == 'rig':
            pooled = pooled.mean(1, keepdim=True).expand_as(pooled)
        return self.bins.centers(self.bins.learned_widths(self.width_mlp(pooled)))

    def forward(self, features: Tensor, cam2img: Tensor, image_size) -> StudentOutput:
        """Features (B * N, C, h, w), intrinsics (B, N, 3, 3) and the input's (H, W) -> prediction."""
        B, N = cam2img.shape[:2]
        logits = self.classifier(self.hidden(features)).unflatten(0, (B, N))
        # Expectations over bins in half precision lose centimetres near and metres far.
        with torch.autocast(features.device.type, enabled=False):
            logits = logits.float()
            centers = self.reference_centers(features.float(), N) * self.focal_scale(cam2img)[..., None]
            field = None
            if self.log_scale is not None:
                field = self.log_scale(features.float()).unflatten(0, (B, N))
                level = field.mean((-2, -1), keepdim=True)
                centers, field = centers * level[..., 0].exp(), field - level
            # Bins last: a softmax along memory costs ONNX Runtime a third of one across it.
            probabilities = logits.permute(0, 1, 3, 4, 2).softmax(-1)
            depth = self.bins.decode(probabilities, centers[:, :, None, None])
            if field is not None:
                depth = depth * field.exp()
            return StudentOutput(self.to_input_size(depth, image_size), logits, centers, features, field)

    def loss(self, output: StudentOutput, target: DepthTarget) -> dict:
        """``loss_depth``, for learned centers also ``loss_chamfer`` and the monitor ``bins_spread``."""
        losses = super().loss(output, target)
        if self.learned:
            nodes = self.bins.to_bin_space(output.centers).flatten(0, 1)
            mask = target.mask.flatten(0, 1).flatten(1)
            depth = torch.where(mask, target.depth.flatten(0, 1).flatten(1), torch.ones_like(nodes[:, :1]))
            losses['loss_chamfer'] = self.chamfer_weight * chamfer_1d(nodes, self.bins.to_bin_space(depth), mask)
            uniform = self.bins.to_bin_space(self.fixed_centers).std()
            losses['bins_spread'] = (nodes.std(1).mean() / uniform).detach()
        return losses
