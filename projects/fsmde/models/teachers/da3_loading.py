"""Builds the network of a Depth Anything 3 model. Needs the package depth-anything-3."""

import os
from pathlib import Path

import torch
from mmengine.logging import MMLogger
from safetensors.torch import load_model
from torch import nn

from .hf_files import check_weights, find_folder, read_json
from .zoo import DA3_ZOO

#: The package asks for much that no network needs, torchvision among it, which fetches another torch.
INSTALL = 'pip install --no-deps depth-anything-3==0.1.1 && pip install einops omegaconf addict tqdm'
CONFIG, WEIGHTS = 'config.json', 'model.safetensors'


def load_da3(model: str) -> tuple:
    """Build a network in float32. Leaves the global random state alone.

    Args:
        model: A name on the Hugging Face hub (``'depth-anything/DA3-SMALL'``), a folder with the ``config.json`` and
            ``model.safetensors`` of one, or ``'random-da3-small'`` and so on: random weights, always the same ones.

    Returns:
        tuple: the network, and the name of its architecture, such as ``'da3-small'``.

    Raises:
        ImportError: If the package is not installed; says how to install it.
        FileNotFoundError: If the weights are not there and cannot be downloaded; says where to get them.
        ValueError: If it is an architecture that this teacher does not know, or a file is cut or does not fit.
    """
    # Its logger writes a line for each image.
    os.environ.setdefault('DA3_LOG_LEVEL', 'WARN')
    try:
        from depth_anything_3.cfg import create_object, load_config
        from depth_anything_3.registry import MODEL_REGISTRY
    except ImportError as error:
        raise ImportError(f'DepthAnything3Teacher needs depth-anything-3 ({error}): {INSTALL}') from error
    random = model.startswith('random-')
    folder = None if random else _folder(model)
    name = model.removeprefix('random-') if random else read_json(str(folder / CONFIG)).get('model_name')
    known = {entry.architecture for entry in DA3_ZOO.values()}
    if name not in known or name not in MODEL_REGISTRY:
        raise ValueError(
            f'{model}: {name!r} is no architecture that DepthAnything3Teacher knows, which are {sorted(known)}. Of the nested '
            'ones take their metric or their any-view half'
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = create_object(load_config(MODEL_REGISTRY[name]))
    if random:
        MMLogger.get_current_instance().warning(
            'The teacher has random weights: what is distilled from it is noise. For tests and trials only.'
        )
    else:
        _load(network, folder / WEIGHTS)
    return network.float(), name


def _folder(model: str) -> Path:
    """Where the files of a model are, downloaded if they are not there."""
    found = find_folder(model)
    if found is None and not os.path.exists(model):
        from huggingface_hub import snapshot_download

        try:
            found = snapshot_download(model, allow_patterns=[CONFIG, WEIGHTS])
        except Exception as error:  # The hub's own classes, and those of its connection.
            raise FileNotFoundError(f'{_how_to_get(model)}. The hub says: {type(error).__name__}: {error}') from error
    folder = Path(found or model)
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f'{folder} lacks {" and ".join(missing)}: {_how_to_get(model)}')
    return folder


def _load(network: nn.Module, path: Path) -> None:
    check_weights(str(path))
    # The authors save the object around the network.
    holder = nn.Module()
    holder.model = network
    own = set(holder.state_dict())
    try:
        # Of tensors that share their memory, as some of the head do, a file may hold one or all.
        missing, unknown = load_model(holder, path, strict=False)
    except RuntimeError as error:  # Shapes that differ.
        missing, unknown = {}, [str(error)[:300]]
    wrong = [f'{key} is missing' for key in sorted(missing)]
    wrong += [f'{key} is unknown' for key in sorted(unknown) if key not in own]
    if wrong:
        raise ValueError(
            f'{path} does not fit its config: {len(wrong)} tensors differ, such as {"; ".join(wrong[:3])}. Download it again, '
            'or check that config.json belongs to it'
        )


def _how_to_get(model: str) -> str:
    known = DA3_ZOO.get(model)
    licence = f'Its licence: {known.licence}. ' if known else ''
    name = model if known else 'depth-anything/DA3-SMALL'
    return (
        f'{model!r} is neither a folder with {CONFIG} and {WEIGHTS} nor a Depth Anything 3 model of the Hugging Face '
        f'hub that could be had now. {licence}With a network, run `hf download {name} --local-dir checkpoints/'
        f'{name.split("/")[-1]}`, copy that folder here and set teacher.model to it. Known models: {", ".join(DA3_ZOO)}; '
        "'random-da3-small' runs without weights"
    )
