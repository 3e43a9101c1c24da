"""How each family of transformers' depth models wants its input, and what its output means."""

import torch
import torch.nn.functional as F
from torch import Tensor

#: transformers' model_type -> the module whose last output is the finest fused feature map.
FUSION_STAGE = {
    'depth_anything': 'neck.fusion_stage',
    'dpt': 'neck.fusion_stage',
    'zoedepth': 'neck.fusion_stage',
    'depth_pro': 'fusion_stage',
    'glpn': 'decoder',
    'prompt_depth_anything': 'neck.fusion_stage',
}
#: Families that are prompted with LiDAR.
PROMPTED = ('prompt_depth_anything',)

_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
_HALF = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
#: Mean and std in [0, 1] of models that come without a preprocessor config.
NORMALISATION = {'depth_anything': _IMAGENET, 'dpt': _HALF, 'zoedepth': _HALF, 'depth_pro': _HALF}
NORMALISATION.update(glpn=([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]), prompt_depth_anything=_IMAGENET)


def depth_space(config) -> str:
    """What the output of a model with this transformers config means, one of ``DEPTH_SPACES``."""
    if config.model_type == 'depth_anything':
        # Configs from before there were metric models have no such field.
        relative = getattr(config, 'depth_estimation_type', 'relative') == 'relative'
        return 'disparity_affine_invariant' if relative else 'depth_metric'
    if config.model_type == 'dpt':
        # MiDaS' DPTs return disparity; those on DINOv2 were trained on NYU's or KITTI's metres.
        backbone = config.backbone_config
        on_dinov2 = backbone is not None and backbone.model_type == 'dinov2'
        return 'depth_metric' if on_dinov2 else 'disparity_affine_invariant'
    return 'depth_metric'


def feature_channels(config) -> int:
    """Channels of the fusion stage's maps."""
    return config.decoder_hidden_size if config.model_type == 'glpn' else config.fusion_hidden_size


def input_size(config, height: int, width: int) -> tuple:
    """Size (h, w) at which a model takes an image of height x width: the nearest one that it can divide into patches.

    DPT on a plain or hybrid ViT, DPT on a Swin and DepthPro take one square size only.
    """
    if config.model_type == 'depth_pro':
        side = round(config.patch_size / min(config.scaled_images_ratios))
        return side, side
    if config.model_type == 'glpn':
        return tuple(max(1, round(side / 32)) * 32 for side in (height, width))
    backbone = config.backbone_config
    if config.model_type == 'dpt' and (backbone is None or config.is_hybrid):
        return config.image_size, config.image_size
    if backbone.model_type == 'swinv2':
        return backbone.image_size, backbone.image_size
    # The coarsest map of DPT and ZoeDepth has one cell for two patches, and their fusion doubles sizes as they come.
    multiple = backbone.patch_size * (1 if config.model_type.endswith('depth_anything') else 2)
    return tuple(max(1, round(side / multiple)) * multiple for side in (height, width))


def padding(config, height: int, width: int) -> tuple:
    """Pixels (top and bottom, left and right) by which an image is mirrored outward before it is resized.

    ZoeDepth pads by 3 sqrt(side / 2), since its outputs are off at the borders.
    """
    if config.model_type != 'zoedepth':
        return 0, 0
    return int(3 * (height / 2) ** 0.5), int(3 * (width / 2) ** 0.5)


def crop_centre(maps: Tensor, fraction: tuple) -> Tensor:
    """Cut the padding off (M, C, h, w) maps: keep the central ``fraction`` (of the height, of the width)."""
    M, C, h, w = maps.shape
    theta = torch.diag(torch.tensor([fraction[1], fraction[0], 1]))[:2].to(maps, non_blocking=True).expand(M, 2, 3)
    # affine_grid multiplies matrices, which autocast does in half precision.
    with torch.autocast(maps.device.type, enabled=False):
        grid = F.affine_grid(theta, (M, C, round(h * fraction[0]), round(w * fraction[1])), align_corners=False)
        return F.grid_sample(maps, grid, mode='bilinear', padding_mode='border', align_corners=False)


def to_depth(config, prediction: Tensor, cam2img: Tensor, width: int) -> Tensor:
    """What a model predicts, (M, h, w), as numbers in its :func:`depth_space`.

    DepthPro predicts canonical inverse depth C with depth = fx / (W C) (Bochkovskii et al., arXiv 2410.02073, section
    3.1); it estimates the field of view itself, and we know it.

    Args:
        cam2img: (M, 3, 3) intrinsics in pixels of images that are ``width`` pixels wide.
    """
    if config.model_type != 'depth_pro':
        return prediction
    return (cam2img[:, 0, 0] / width)[:, None, None] / prediction.float().clamp(1e-4, 1e4)
