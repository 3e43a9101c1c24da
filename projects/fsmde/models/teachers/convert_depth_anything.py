"""Official Depth-Anything-V2 state dicts -> transformers' ``DepthAnythingForDepthEstimation``."""

import re

import torch

from fsmde.weight_files import load_weights

from .hf_files import check_weights

#: Official prefix -> transformers' prefix, in the layout of the checkpoints on the Hugging Face hub. Tried in order.
_RENAMES = (
    (r'pretrained\.(cls_token|mask_token)', r'backbone.embeddings.\1'),
    (r'pretrained\.pos_embed', 'backbone.embeddings.position_embeddings'),
    (r'pretrained\.patch_embed\.proj', 'backbone.embeddings.patch_embeddings.projection'),
    (r'pretrained\.norm', 'backbone.layernorm'),
    (r'pretrained\.blocks\.(\d+)\.attn\.proj', r'backbone.encoder.layer.\1.attention.output.dense'),
    (r'pretrained\.blocks\.(\d+)\.ls([12])\.gamma', r'backbone.encoder.layer.\1.layer_scale\2.lambda1'),
    (r'pretrained\.blocks\.(\d+)\.(norm[12]|mlp\.fc[12])', r'backbone.encoder.layer.\1.\2'),
    (r'depth_head\.projects\.(\d)', r'neck.reassemble_stage.layers.\1.projection'),
    (r'depth_head\.resize_layers\.(\d)', r'neck.reassemble_stage.layers.\1.resize'),
    (r'depth_head\.scratch\.output_conv1', 'head.conv1'),
    (r'depth_head\.scratch\.output_conv2\.0', 'head.conv2'),
    (r'depth_head\.scratch\.output_conv2\.2', 'head.conv3'),
    # Counted the other way round: refinenet4 works on the coarsest map and is fused first.
    (r'depth_head\.scratch\.layer(\d)_rn', lambda m: f'neck.convs.{int(m[1]) - 1}'),
    (
        r'depth_head\.scratch\.refinenet(\d)\.out_conv',
        lambda m: f'neck.fusion_stage.layers.{4 - int(m[1])}.projection',
    ),
    (
        r'depth_head\.scratch\.refinenet(\d)\.resConfUnit([12])\.conv([12])',
        lambda m: f'neck.fusion_stage.layers.{4 - int(m[1])}.residual_layer{m[2]}.convolution{m[3]}',
    ),
)
_QKV = re.compile(r'pretrained\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)')


def load_official(path: str) -> dict:
    """Read an official ``.pth`` (weights only) as a flat dict of tensors.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is cut, or holds anything but a flat dict of tensors; it is then not loaded as code either.
    """
    check_weights(path)
    official = load_weights(path)
    if not isinstance(official, dict) or not all(torch.is_tensor(value) for value in official.values()):
        raise ValueError(
            f'{path} is not an official Depth-Anything-V2 checkpoint: expected a flat dict of tensors. Of a training '
            "checkpoint save the entry 'model' alone"
        )
    return official


def convert_state_dict(official: dict) -> dict:
    """Rename an official state dict's tensors and split its fused qkv.

    Args:
        official: Of ``depth_anything_v2_vit{s,b,l}.pth`` or ``depth_anything_v2_metric_*.pth``.

    Returns:
        A state dict in the layout of the checkpoints on the Hugging Face hub.

    Raises:
        ValueError: If a key is none of Depth-Anything-V2's.
    """
    converted = {}
    for key, value in official.items():
        if match := _QKV.fullmatch(key):
            for name, part in zip(('query', 'key', 'value'), value.chunk(3)):
                converted[f'backbone.encoder.layer.{match[1]}.attention.attention.{name}.{match[2]}'] = part
        else:
            converted[_rename(key)] = value
    return converted


def _rename(key: str) -> str:
    for pattern, replacement in _RENAMES:
        renamed, count = re.subn(rf'^{pattern}(?=\.weight$|\.bias$|$)', replacement, key)
        if count:
            return renamed
    raise ValueError(
        f'not an official Depth-Anything-V2 checkpoint: it holds {key!r}, expected only pretrained.* and depth_head.* '
        'as in https://github.com/DepthAnything/Depth-Anything-V2 (for other models give a hub name or a directory)'
    )


def infer_config(official: dict, max_depth: int = None) -> dict:
    """The transformers config an official state dict belongs to, read off the shapes of its tensors.

    Args:
        official: As for :func:`convert_state_dict`.
        max_depth: Whole metres of a metric model (20 for Hypersim, 80 for Virtual KITTI), None for a relative one.
            Nothing in the file tells them apart.

    Raises:
        ValueError: If tensors are missing.
    """
    try:
        width = official['pretrained.cls_token'].shape[-1]
        patch = official['pretrained.patch_embed.proj.weight'].shape[-1]
        grid = round((official['pretrained.pos_embed'].shape[1] - 1) ** 0.5)
        hidden = official['pretrained.blocks.0.mlp.fc1.weight'].shape[0]
        necks = [official[f'depth_head.projects.{i}.weight'].shape[0] for i in range(4)]
        fusion = official['depth_head.scratch.output_conv1.weight'].shape[1]
        head = official['depth_head.scratch.output_conv2.0.weight'].shape[0]
    except KeyError as error:
        raise ValueError(
            f'not an official Depth-Anything-V2 checkpoint: {error} is missing. Download it again, or give a hub name '
            'or a directory in save_pretrained format instead'
        ) from None
    depth = 1 + max(int(match[1]) for match in map(_QKV.fullmatch, official) if match)
    config = dict(
        model_type='depth_anything',
        patch_size=patch,
        backbone_config=dict(
            model_type='dinov2',
            image_size=grid * patch,
            patch_size=patch,
            hidden_size=width,
            num_hidden_layers=depth,
            # DINOv2's heads have 64 channels in every size.
            num_attention_heads=width // 64,
            mlp_ratio=hidden // width,
            # The ends of the four quarters; only ViT-L takes its first map from the fifth block (official dpt.py).
            out_indices=[5, 12, 18, 24] if depth == 24 else [depth * i // 4 for i in (1, 2, 3, 4)],
            reshape_hidden_states=False,
            use_mask_token='pretrained.mask_token' in official,
        ),
        reassemble_hidden_size=width,
        neck_hidden_sizes=necks,
        fusion_hidden_size=fusion,
        head_hidden_size=head,
    )
    if max_depth is not None:
        config.update(depth_estimation_type='metric', max_depth=max_depth)
    return config
