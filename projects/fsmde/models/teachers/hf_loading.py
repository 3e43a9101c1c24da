"""Builds the network of a transformers depth model from whatever form its weights have. Needs transformers."""

import os

import torch
from mmengine.logging import MMLogger
from torch import nn

from .convert_depth_anything import convert_state_dict, infer_config, load_official
from .dinov2_positions import resize_as_the_authors
from .hf_families import FUSION_STAGE
from .hf_files import check_files, find_folder
from .zoo import MODEL_ZOO, RANDOM_MODELS

#: Parameters that published checkpoints lack because no forward pass reads them.
_UNUSED = ('fusion_stage.layers.0.residual_layer1.', 'mask_token', 'pooler.')
#: What official metric checkpoints were trained on, as it stands in their file names -> metres at the sigmoid's 1.
_MAX_DEPTH = {'vkitti': 80, 'hypersim': 20}


def load_network(model, max_depth: int = None) -> nn.Module:
    """Build a transformers ``...ForDepthEstimation`` network in float32.

    Leaves the global random state alone, so that a student with a teacher starts from the same weights as one without.

    Args:
        model: One of

            - a name on the Hugging Face hub (``'depth-anything/Depth-Anything-V2-Small-hf'``);
            - a directory in ``save_pretrained`` format;
            - an official Depth-Anything-V2 ``.pth`` file;
            - ``'random-tiny'`` or a transformers config as a dict with ``model_type``: random weights.
        max_depth: Metres of an official metric ``.pth``, see :func:`official_max_depth`.

    Raises:
        ImportError: If transformers is not installed.
        FileNotFoundError: If the weights are not there and cannot be downloaded; says where to get them.
        ValueError: If the model is of no supported family, one of its files is empty, cut or a git-lfs pointer, or the
            weights do not fit.
    """
    try:
        from transformers import AutoConfig, AutoModelForDepthEstimation, DepthAnythingForDepthEstimation
    except ImportError as error:
        raise ImportError('HuggingFaceDepthTeacher needs transformers: pip install "transformers>=4.49"') from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if isinstance(model, dict) or model in RANDOM_MODELS:
            config = AutoConfig.for_model(**(model if isinstance(model, dict) else RANDOM_MODELS[model]))
            _check_family(config, model)
            MMLogger.get_current_instance().warning(
                'The teacher has random weights: what is distilled from it is noise. For tests and trials only.'
            )
            network = AutoModelForDepthEstimation.from_config(config)
            resize_as_the_authors(network)
            return network.float()
        if model.endswith(('.pth', '.pt')):
            if not os.path.isfile(model):
                raise FileNotFoundError(_how_to_get(model))
            official = load_official(model)
            config = AutoConfig.for_model(**infer_config(official, official_max_depth(model, max_depth)))
            source, model_class = None, DepthAnythingForDepthEstimation
            options = dict(config=config, state_dict=convert_state_dict(official))
        else:
            source, model_class, options = model, AutoModelForDepthEstimation, {}
            if folder := find_folder(model):
                check_files(folder)
            _check_family(_read_config(model), model)
        try:
            network, info = model_class.from_pretrained(
                source, output_loading_info=True, ignore_mismatched_sizes=True, **options
            )
        except OSError as error:
            raise FileNotFoundError(_how_to_get(model)) from error
    _check_keys(network, info, model, official=source is None)
    resize_as_the_authors(network)
    return network.float()


def _read_config(model: str):
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(model)
    except OSError as error:
        raise FileNotFoundError(_how_to_get(model)) from error
    except Exception as error:  # transformers' versions check values each in their own way.
        raise ValueError(f'config.json of {model} describes no model that transformers knows: {error}') from error


def official_max_depth(path: str, max_depth: int = None) -> int:
    """Whole metres of an official metric ``.pth``, None for a relative one.

    Nothing in the file tells the two apart, and the one read as the other gives noise: the official name does
    (``depth_anything_v2_metric_{hypersim,vkitti}_vit*.pth``), unless ``max_depth`` is stated.

    Raises:
        ValueError: If the name says metric but not trained on what, or says Depth Anything V1, or ``max_depth`` is no
            whole number.
    """
    name = os.path.basename(path).lower()
    if max_depth is not None:
        if max_depth != int(max_depth) or max_depth < 1:
            raise ValueError(
                f'max_depth must be a whole number of metres (transformers takes no other), found {max_depth}'
            )
        return int(max_depth)
    if 'depth_anything_vit' in name:
        raise ValueError(
            f'{path} is named as a Depth Anything V1 file, which has the same tensors as V2 and reads other layers. '
            "Use V1 from the hub (model='LiheYoung/depth-anything-small-hf'), or rename the file if it is V2"
        )
    if 'metric' not in name:
        return None
    for trained_on, metres in _MAX_DEPTH.items():
        if trained_on in name:
            return metres
    raise ValueError(
        f'{path} is named as a metric model, trained on neither of {list(_MAX_DEPTH)}: state max_depth, the '
        'metres its sigmoid stands for'
    )


def load_normalisation(model) -> tuple:
    """Mean and std of the preprocessor config beside the weights, for images in [0, 1]; None where there is none.

    Args:
        model: As for :func:`load_network`.

    Returns:
        Lists ``mean`` and ``std`` of three numbers, or None.

    Raises:
        ValueError: If they are something else.
    """
    if isinstance(model, dict) or model in RANDOM_MODELS or os.path.isfile(model):
        return None
    from transformers.image_processing_utils import BaseImageProcessor

    try:
        found, _ = BaseImageProcessor.get_image_processor_dict(model)
    except OSError:  # There is none: load_network has refused broken ones.
        return None
    if 'image_mean' not in found:
        return None
    mean, std = found['image_mean'], found.get('image_std')
    if not (_are_three_numbers(mean) and _are_three_numbers(std) and all(value > 0 for value in std)):
        raise ValueError(
            f'the preprocessor config of {model} has image_mean {mean} and image_std {std}, expected three numbers each, '
            'those of image_std positive. Download it again'
        )
    # (x / 255 r - mean) / std with x in [0, 255] and r the rescaling the model expects, 1 / 255 if not said otherwise.
    scale = 255 * found.get('rescale_factor', 1 / 255) if found.get('do_rescale', True) else 255
    return [value / scale for value in mean], [value / scale for value in std]


def _are_three_numbers(values) -> bool:
    return isinstance(values, list) and len(values) == 3 and all(isinstance(value, (int, float)) for value in values)


def _check_family(config, model) -> None:
    if config.model_type not in FUSION_STAGE:
        raise ValueError(
            f'{model} is a {config.model_type!r} model; supported are {sorted(FUSION_STAGE)}. '
            'For another one write a teacher of your own, see docs/teachers.md'
        )


def _check_keys(network, info, model, official) -> None:
    """Raise if a parameter that is used kept its random initialisation, has another shape, or is unknown (official)."""
    parameters = {name for name, _ in network.named_parameters()}
    missing = [key for key in info['missing_keys'] if key in parameters and not any(part in key for part in _UNUSED)]
    unexpected = list(info['unexpected_keys']) if official else []
    if sizes := sorted(info['mismatched_keys']):
        raise ValueError(
            f'the weights of {model} do not fit its config: {len(sizes)} of them have other shapes, such as '
            f'{sizes[0][0]} with {tuple(sizes[0][1])} where {tuple(sizes[0][2])} is expected. Download them again, or '
            'check that config.json belongs to them'
        )
    if missing or unexpected:
        raise ValueError(
            f'the weights of {model} do not fit {type(network).__name__}: {len(missing)} parameters are missing '
            f'{sorted(missing)[:3]}, {len(unexpected)} are unknown {sorted(unexpected)[:3]}. '
            'Download them again, or check that config.json belongs to them'
        )


def _how_to_get(model) -> str:
    """What to download, where to put it and under which licence it comes."""
    if model.endswith(('.pth', '.pt')):
        return (
            f'no such file: {model}. Official Depth-Anything-V2 checkpoints are linked from '
            'https://github.com/DepthAnything/Depth-Anything-V2 (Small is Apache-2.0; Base and Large are '
            'CC-BY-NC-4.0); put one there, or name another model'
        )
    if os.path.isdir(model):
        return (
            f'{model} is no directory in save_pretrained format: expected config.json and weights (model.safetensors or '
            f'pytorch_model.bin, whole or in parts with their index), found {sorted(os.listdir(model))[:10]}'
        )
    known = MODEL_ZOO.get(model)
    licence = f'Its licence: {known.licence}. ' if known else 'Its licence stands on its model card. '
    folder = f'checkpoints/{os.path.basename(os.path.normpath(model))}'
    return (
        f'{model!r} is neither a directory in save_pretrained format (with config.json and weights) nor a model of '
        f'the Hugging Face hub that is in its cache or could be downloaded now. {licence}With a network, run '
        f'`hf download {model} --local-dir {folder}`, copy that folder here and set '
        f"teacher.model='{folder}'. Known models: {', '.join(MODEL_ZOO)}; 'random-tiny' runs without weights"
    )
