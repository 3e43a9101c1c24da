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
    PROMPTED,
    crop_centre,
    depth_space,
    feature_channels,
    input_size,
    padding,
    to_depth,
)
from .hf_loading import load_network, load_normalisation
from .lidar_prompt import complete
from .zoo import licence_of, short_name


@MODELS.register_module()
class HuggingFaceDepthTeacher(DepthTeacher):
    """Depth Anything V1 or V2 (relative or metric), DPT, ZoeDepth, DepthPro, GLPN or Prompt Depth Anything.

    Its features are the finest map of the model's fusion stage, for all of them. The last one reads LiDAR: it is prompted with
    the points of each view, completed by :func:`~fsmde.models.teachers.lidar_prompt.complete`, and is dense and metric; views
    with fewer than four points are not valid.

    Args:
        model: Hub name, directory in ``save_pretrained`` format, official Depth-Anything-V2 ``.pth``,
            ``'random-tiny'``, or a transformers config as a dict (random weights); see
            :func:`~fsmde.models.teachers.hf_loading.load_network`.
        space: What its numbers mean; inferred from the model's config if None.
        max_depth: Whole metres an official metric ``.pth`` was trained with, where its file name does not say so.
        max_views: Largest number of views that go through the network at once, None for all of a batch. Fewer views
            need less memory.
        feature_size: See :class:`DepthTeacher`.
        licence: Of the weights; by default that of the list of published models or of the model card beside them.

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
        self,
        model,
        space: str = None,
        max_depth: int = None,
        max_views: int = None,
        feature_size: tuple = None,
        licence: str = None,
    ):
        if max_views is not None and max_views < 1:
            raise ValueError(f'max_views must be a positive number of views or None for all, found {max_views}')
        network = load_network(model, max_depth)
        config = network.config
        licence = licence or licence_of(model)
        super().__init__(network, space or depth_space(config), feature_channels(config), feature_size, licence)
        self.reads = ('lidar',) if config.model_type in PROMPTED else ()
        self._name = short_name(model) if isinstance(model, str) else config.model_type
        self.max_views = max_views
        self.mean, self.std = load_normalisation(model) or NORMALISATION[config.model_type]
        self._fused = None
        network.get_submodule(FUSION_STAGE[config.model_type]).register_forward_hook(self._keep_finest)
        MMLogger.get_current_instance().info(
            f'Teacher {model if isinstance(model, str) else config.model_type}: {self.space}, '
            f'{self.feature_channels} feature channels, mean {self.mean}, std {self.std}'
        )

    @property
    def name(self) -> str:
        """On the hub, or of the file or folder."""
        return self._name

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

    def predict(self, images: Tensor, cam2img: Tensor, lidar: Tensor = None) -> tuple:
        """See :meth:`DepthTeacher.predict`."""
        size = self.max_views or images.shape[0] * images.shape[1]
        views = [x.flatten(0, 1).split(size) for x in (images, cam2img, lidar) if x is not None]
        depth, features = zip(*map(self._predict_views, *views))
        return torch.cat(depth).unflatten(0, images.shape[:2]), torch.cat(features)

    def _predict_views(self, images, cam2img, lidar=None):
        """(M, 3, H, W) uint8, (M, 3, 3) and perhaps (M, H, W) metres -> float32 (M, h, w) and (M, C, h', w')."""
        config = self.network.config
        H, W = images.shape[-2:]
        pad_h, pad_w = padding(config, H, W)
        pixels = F.pad(images.float() / 255, (pad_w, pad_w, pad_h, pad_h), mode='reflect')
        pixels = F.interpolate(pixels, input_size(config, H, W), mode='bicubic', antialias=True).clamp(0, 1)
        # Not new_tensor, behind which the host waits for the device.
        mean, std = (
            torch.tensor(value)[:, None, None].to(pixels.device, non_blocking=True) for value in (self.mean, self.std)
        )
        prompted = {}
        if lidar is not None:
            patch = config.backbone_config.patch_size
            prompt, enough = complete(lidar, [side // patch for side in pixels.shape[-2:]])
            prompted = dict(prompt_depth=prompt)
        prediction = self.network((pixels - mean) / std, **prompted).predicted_depth.float()
        if lidar is not None:
            prediction = prediction.masked_fill(~enough[:, None, None], torch.nan)
        features, self._fused = self._fused.float(), None
        depth = to_depth(config, prediction, cam2img, W)
        if pad_h or pad_w:
            seen = H / (H + 2 * pad_h), W / (W + 2 * pad_w)
            depth, features = crop_centre(depth[:, None], seen)[:, 0], crop_centre(features, seen)
        return depth, features
