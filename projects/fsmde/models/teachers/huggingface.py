"""Depth models of the transformers library as teachers."""

import torch
import torch.nn.functional as F
from mmdet3d.registry import MODELS
from mmengine.logging import MMLogger
from torch import Tensor

from .base import DepthTeacher
from .dinov2_positions import OFFSET
from .hf_families import (
    FUSION_STAGE,
    NORMALISATION,
    crop_centre,
    depth_space,
    input_size,
    padding,
    to_depth,
)
from .hf_loading import load_network, load_normalisation


@MODELS.register_module()
class HuggingFaceDepthTeacher(DepthTeacher):
    """Depth Anything V1 or V2 (relative or metric), DPT, ZoeDepth or DepthPro.

    Its features are the finest map of the model's fusion stage, ``fusion_hidden_size`` channels, for all of them.

    Args:
        model: Hub name, directory in ``save_pretrained`` format, official Depth-Anything-V2 ``.pth``,
            ``'random-tiny'``, or a transformers config as a dict (random weights); see
            :func:`~fsmde.models.teachers.hf_loading.load_network`.
        space: What its numbers mean; inferred from the model's config if None.
        max_depth: Whole metres an official metric ``.pth`` was trained with, where its file name does not say so.
        max_views: Largest number of views that go through the network at once, None for all of a batch. Fewer views
            need less memory.
        feature_size: See :class:`DepthTeacher`.

    Raises:
        ImportError, FileNotFoundError: As ``load_network`` does.
        ValueError: As ``load_network`` does, and if ``max_views`` is not positive.

    Examples:
        >>> teacher = HuggingFaceDepthTeacher('depth-anything/Depth-Anything-V2-Small-hf')
        >>> output = teacher(images, cam2img)  # uint8 (2, 6, 3, 384, 640)
        >>> output.space, output.depth.shape
        ('disparity_affine_invariant', torch.Size([2, 6, 378, 644]))
    """

    def __init__(
        self, model, space: str = None, max_depth: int = None, max_views: int = None, feature_size: tuple = None
    ):
        if max_views is not None and max_views < 1:
            raise ValueError(f'max_views must be a positive number of views or None for all, found {max_views}')
        network = load_network(model, max_depth)
        config = network.config
        super().__init__(network, space or depth_space(config), config.fusion_hidden_size, feature_size)
        self.max_views = max_views
        self.mean, self.std = load_normalisation(model) or NORMALISATION[config.model_type]
        self._fused = None
        network.get_submodule(FUSION_STAGE[config.model_type]).register_forward_hook(self._keep_finest)
        MMLogger.get_current_instance().info(
            f'Teacher {model if isinstance(model, str) else config.model_type}: {self.space}, '
            f'{self.feature_channels} feature channels, mean {self.mean}, std {self.std}'
        )

    def identity(self) -> dict:
        """See :meth:`DepthTeacher.identity`."""
        config = self.network.config
        backbone = getattr(config, 'backbone_config', None)
        identity = dict(
            super().identity(),
            family=config.model_type,
            mean=list(self.mean),
            std=list(self.std),
            max_depth=getattr(config, 'max_depth', None),
            layers=list(getattr(backbone, 'out_indices', None) or []),
        )
        if getattr(backbone, 'model_type', None) == 'dinov2':
            identity['position_offset'] = OFFSET
        return identity

    def _keep_finest(self, module, args, output):
        self._fused = output[-1]

    def predict(self, images: Tensor, cam2img: Tensor) -> tuple:
        """See :meth:`DepthTeacher.predict`."""
        views, cameras = images.flatten(0, 1), cam2img.flatten(0, 1)
        size = self.max_views or len(views)
        depth, features = zip(*map(self._predict_views, views.split(size), cameras.split(size)))
        return torch.cat(depth).unflatten(0, images.shape[:2]), torch.cat(features)

    def _predict_views(self, images, cam2img):
        """(M, 3, H, W) uint8 and (M, 3, 3) -> float32 (M, h, w) and (M, C, h', w')."""
        config = self.network.config
        H, W = images.shape[-2:]
        pad_h, pad_w = padding(config, H, W)
        pixels = F.pad(images.float() / 255, (pad_w, pad_w, pad_h, pad_h), mode='reflect')
        pixels = F.interpolate(pixels, input_size(config, H, W), mode='bicubic', antialias=True).clamp(0, 1)
        mean, std = (pixels.new_tensor(value)[:, None, None] for value in (self.mean, self.std))
        prediction = self.network((pixels - mean) / std).predicted_depth.float()
        features, self._fused = self._fused.float(), None
        depth = to_depth(config, prediction, cam2img, W)
        if pad_h or pad_w:
            seen = H / (H + 2 * pad_h), W / (W + 2 * pad_w)
            depth, features = crop_centre(depth[:, None], seen)[:, 0], crop_centre(features, seen)
        return depth, features
