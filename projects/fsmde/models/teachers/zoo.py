"""The published depth models: what their numbers mean, under which licence they come, how large they are."""

import os
import re
from dataclasses import dataclass

from .licence import licence_in_card


@dataclass(frozen=True)
class ZooEntry:
    """One published model.

    Args:
        space: One of :data:`fsmde.structures.DEPTH_SPACES`.
        licence: As its authors state it.
        parameters: In millions.
        architecture: The package's name for it, of Depth Anything 3.
    """

    space: str
    licence: str
    parameters: float
    architecture: str = None


_DISPARITY, _METRIC = 'disparity_affine_invariant', 'depth_metric'

#: Name on the Hugging Face hub -> what is known of it.
MODEL_ZOO = {
    'LiheYoung/depth-anything-small-hf': ZooEntry(_DISPARITY, 'Apache-2.0', 24.8),
    'LiheYoung/depth-anything-base-hf': ZooEntry(_DISPARITY, 'Apache-2.0', 97.5),
    'LiheYoung/depth-anything-large-hf': ZooEntry(_DISPARITY, 'Apache-2.0', 335.3),
    'depth-anything/Depth-Anything-V2-Small-hf': ZooEntry(_DISPARITY, 'Apache-2.0', 24.8),
    'depth-anything/Depth-Anything-V2-Base-hf': ZooEntry(_DISPARITY, 'CC-BY-NC-4.0', 97.5),
    'depth-anything/Depth-Anything-V2-Large-hf': ZooEntry(_DISPARITY, 'CC-BY-NC-4.0', 335.3),
    'depth-anything/Depth-Anything-V2-Metric-Outdoor-Small-hf': ZooEntry(_METRIC, 'Apache-2.0', 24.8),
    'depth-anything/Depth-Anything-V2-Metric-Outdoor-Base-hf': ZooEntry(_METRIC, 'CC-BY-NC-4.0', 97.5),
    'depth-anything/Depth-Anything-V2-Metric-Outdoor-Large-hf': ZooEntry(_METRIC, 'CC-BY-NC-4.0', 335.3),
    'Intel/dpt-large': ZooEntry(_DISPARITY, 'Apache-2.0', 343),
    'Intel/dpt-hybrid-midas': ZooEntry(_DISPARITY, 'Apache-2.0', 123),
    'Intel/zoedepth-kitti': ZooEntry(_METRIC, 'MIT', 345),
    'Intel/zoedepth-nyu-kitti': ZooEntry(_METRIC, 'MIT', 345),
    'depth-anything/prompt-depth-anything-vits-hf': ZooEntry(_METRIC, 'Apache-2.0', 25),
    'depth-anything/prompt-depth-anything-vitl-hf': ZooEntry(_METRIC, 'Apache-2.0', 340),
    'apple/DepthPro-hf': ZooEntry(_METRIC, 'apple-amlr, research only', 952),
}

_RIG = 'depth_scale_invariant_multi_view'

#: The same of Depth Anything 3, which is not in transformers. '1.1' is the same network after a mended training.
DA3_ZOO = {
    'depth-anything/DA3-SMALL': ZooEntry(_RIG, 'Apache-2.0', 34.3, 'da3-small'),
    'depth-anything/DA3-BASE': ZooEntry(_RIG, 'Apache-2.0', 135.4, 'da3-base'),
    'depth-anything/DA3-LARGE-1.1': ZooEntry(_RIG, 'CC-BY-NC-4.0', 410.9, 'da3-large'),
    'depth-anything/DA3-GIANT-1.1': ZooEntry(_RIG, 'CC-BY-NC-4.0', 1150, 'da3-giant'),
    'depth-anything/DA3METRIC-LARGE': ZooEntry(_METRIC, 'Apache-2.0', 334.2, 'da3metric-large'),
    'depth-anything/DA3MONO-LARGE': ZooEntry('depth_affine_invariant', 'Apache-2.0', 334.2, 'da3mono-large'),
}


def short_name(model: str) -> str:
    """A model's name on the hub, or of its file or folder: a path on the trainer's machine is nobody's business."""
    on_hub = re.fullmatch(r'[\w-][\w.-]*/[\w-][\w.-]*', model) and not os.path.exists(model)
    return model if on_hub else os.path.basename(os.path.normpath(model))


def licence_of(model) -> str:
    """The licence of weights: of a name on the hub that is listed here, or from the model card in a folder; else None.

    Of the official files of Depth Anything V2, which are known by their names, it is that of their encoder.
    """
    if not isinstance(model, str):
        return None
    if encoder := re.fullmatch(r'depth_anything_v2\w*_vit([sblg])\.pth', os.path.basename(model)):
        return 'Apache-2.0' if encoder[1] == 's' else 'CC-BY-NC-4.0'
    known = MODEL_ZOO.get(model) or DA3_ZOO.get(model)
    return known.licence if known else licence_in_card(model)


def _depth_anything_v2(width: int, blocks: int, outputs: list, necks: list, fusion: int) -> dict:
    """Depth Anything V2 (Yang et al., NeurIPS 2024) of the size that a table of the paper's code lists."""
    return dict(
        model_type='depth_anything',
        backbone_config=dict(
            model_type='dinov2',
            image_size=518,
            hidden_size=width,
            num_hidden_layers=blocks,
            num_attention_heads=width // 64,
            out_indices=outputs,
            reshape_hidden_states=False,
        ),
        reassemble_hidden_size=width,
        neck_hidden_sizes=necks,
        fusion_hidden_size=fusion,
        head_hidden_size=32,
    )


#: Stand-ins without trained weights: name -> transformers config. The tiny one is for tests and trials on a CPU, the
#: others, which are of Depth Anything V2's sizes, to measure its speed where its weights are not.
RANDOM_MODELS = {
    'random-small': _depth_anything_v2(384, 12, [3, 6, 9, 12], [48, 96, 192, 384], 64),
    'random-base': _depth_anything_v2(768, 12, [3, 6, 9, 12], [96, 192, 384, 768], 128),
    'random-large': _depth_anything_v2(1024, 24, [5, 12, 18, 24], [256, 512, 1024, 1024], 256),
    'random-tiny': dict(
        model_type='depth_anything',
        backbone_config=dict(
            model_type='dinov2',
            image_size=518,
            hidden_size=48,
            num_hidden_layers=4,
            num_attention_heads=3,
            mlp_ratio=2,
            out_indices=[1, 2, 3, 4],
            reshape_hidden_states=False,
            initializer_range=0.1,
        ),
        # With transformers' own 0.02 the output is one constant.
        initializer_range=0.1,
        reassemble_hidden_size=48,
        neck_hidden_sizes=[16, 24, 32, 48],
        fusion_hidden_size=16,
        head_hidden_size=16,
    ),
}
