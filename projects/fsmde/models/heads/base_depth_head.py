"""What all depth heads share: the focal reference and the supervised loss."""

import torch.nn.functional as F
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from fsmde.structures import DepthTarget, StudentOutput


class BaseDepthHead(BaseModule):
    """Predicts depth for one reference focal length and scales it to each camera's.

    An object twice as far through twice the focal length looks the same, so a network that sees pixels alone cannot tell
    the cameras of a rig apart: it predicts depth for ``focal_reference`` and is multiplied by fx / focal_reference.

    Args:
        focal_reference: In pixels of the network's input; best the rig's smallest fx, with which the depth range is met
            by every camera. None predicts metric depth directly.
        loss_depth: Config of the loss on LiDAR depth.
    """

    #: No depth is farther, in metres at the reference focal length; None: no bound is known.
    reach = None

    def __init__(self, focal_reference: float = 350.0, loss_depth=dict(type='SILogLoss'), init_cfg=None):  # noqa: B006
        super().__init__(init_cfg)
        if focal_reference is not None and not focal_reference > 0:
            raise ValueError(f'focal_reference must be positive (pixels) or None, found {focal_reference}')
        self.focal_reference = focal_reference
        self.loss_depth = MODELS.build(loss_depth)

    def focal_scale(self, cam2img: Tensor) -> Tensor:
        """(B, N) factor from reference to metric depth, of (B, N, 3, 3) intrinsics at the network's input size."""
        fx = cam2img[..., 0, 0]
        return fx / self.focal_reference if self.focal_reference else fx.new_ones(fx.shape)

    @staticmethod
    def to_input_size(depth: Tensor, image_size) -> Tensor:
        """(B, N, h, w) depth -> (B, N, H, W)."""
        if depth.shape[-2:] == tuple(image_size):
            return depth
        return F.interpolate(depth, size=tuple(image_size), mode='bilinear', align_corners=False)

    def loss(self, output: StudentOutput, target: DepthTarget) -> dict:
        """Losses of a prediction: ``loss_depth``."""
        return dict(loss_depth=self.loss_depth(output.depth, target.depth, target.mask))
