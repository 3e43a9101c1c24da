"""Turn a training checkpoint into what is given away: the student's weights and where they come from.

    python tools/model_converters/publish_model.py work_dirs/run/epoch_30.pth fsmde_r34_ddad --results results.json

writes the folder ``fsmde_r34_ddad`` of config.json, model.safetensors and README.md, which ``fsmde.apis.load_model`` and
``tools/infer.py`` take, see docs/published_models.md. With a name that ends in ``.pth`` it writes one file for stock
mmdet3d instead: ``fsmde_r34_ddad-<first 8 digits of the file's sha256>.pth``, a dictionary of ``state_dict`` (tensors) and
``meta`` (plain python types), which ``torch.load(..., weights_only=True)`` reads wherever torch is, and which any
config of OpenMMLab takes as ``init_cfg=dict(type='Pretrained', checkpoint=..., prefix='backbone.')``.
"""

import argparse
import hashlib
import io
import json
import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from fsmde.apis.config_text import read_config_text
from fsmde.apis.load_model import input_size_of, push_to_hub
from fsmde.apis.model_card import write_card
from fsmde.apis.published_model import write_published
from fsmde.engine.checkpoint import load_checkpoint_file
from fsmde.models.architecture import architecture_of, build_architecture
from fsmde.models.teachers.zoo import MODEL_ZOO
from fsmde.output_files import write_bytes
from fsmde.version import __version__

#: Submodules that only training needs.
TRAINING_ONLY = ('distillers', 'teacher')
#: What is kept of the meta information that mmengine writes.
KEPT_META = ('experiment_name', 'time', 'seed', 'epoch', 'iter', 'mmengine_version', 'dataset_meta')


def student_weights(checkpoint: dict, source, without_ema: bool = False) -> OrderedDict:
    """The student's entries of a training checkpoint, on the CPU, each in its own memory.

    Args:
        checkpoint: What mmengine saved.
        source: File it comes from, for messages.
        without_ema: Take the weights of the last step instead of their moving average. mmengine's EMAHook saves the
            average as ``state_dict`` and the last step as ``ema_state_dict``.

    Raises:
        ValueError: If there are no weights, no student among them, or none without the average.
    """
    if not isinstance(checkpoint.get('state_dict'), dict):
        raise ValueError(f'{source} is no training checkpoint: expected the key state_dict, found {list(checkpoint)}')
    weights = checkpoint['state_dict']
    if without_ema:
        if 'ema_state_dict' not in checkpoint:
            raise ValueError(f'{source} was trained without a moving average; leave --without-ema out')
        last = checkpoint['ema_state_dict']
        weights = OrderedDict((key, last.get(f'module.{key}', value)) for key, value in weights.items())
    student = OrderedDict((key, value) for key, value in weights.items() if key.split('.')[0] not in TRAINING_ONLY)
    if not student:
        raise ValueError(f'{source} holds no student: all of its {len(weights)} weights are under {TRAINING_ONLY}')
    other = [key for key, value in student.items() if not isinstance(value, torch.Tensor)]
    if other:
        raise ValueError(f'{source}: expected tensors only, {other} are none; it cannot be published')
    # clone: of a view, torch.save would write everything that it is a view of.
    weights_only = OrderedDict((key, value.detach().cpu().contiguous().clone()) for key, value in student.items())
    # Modules that changed their keys once look at their version in it.
    versions = getattr(checkpoint['state_dict'], '_metadata', {})
    kept = ((name, entry) for name, entry in versions.items() if name.split('.')[0] not in TRAINING_ONLY)
    weights_only._metadata = OrderedDict(kept)
    return weights_only


def to_plain(value):
    """The value in types that json knows; what has no counterpart becomes its text."""
    if isinstance(value, dict):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(entry) for entry in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return to_plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or type(value) in (str, int, float, bool) else str(value)


def describe(checkpoint: dict, config=None, results=None, without_ema: bool = False) -> dict:
    """Where weights come from: config text, versions, training progress, and metrics with their protocol.

    Args:
        checkpoint: What mmengine saved.
        config: Config file; by default the text that is in the checkpoint.
        results: Json file of ``tools/test.py``, taken over as it is.
        without_ema: As given to :func:`student_weights`.
    """
    old = checkpoint.get('meta', {})
    meta = {key: to_plain(old[key]) for key in KEPT_META if key in old}
    meta.update(
        fsmde_version=__version__,
        torch_version=str(torch.__version__),
        averaged='ema_state_dict' in checkpoint and not without_ema,
        config=Config.fromfile(config).pretty_text if config else old.get('cfg'),
    )
    if results:
        meta['results'] = read_results(results)
    return meta


def read_results(path) -> dict:
    """Content of a results.json.

    Raises:
        ValueError: If it is none.
    """
    try:
        return json.loads(Path(path).read_text())
    except ValueError as error:
        raise ValueError(f'{path} is no json: {error}; give the file that tools/test.py wrote') from error


def publish(source, out, config=None, results=None, without_ema: bool = False) -> Path:
    """Write the published file of a training checkpoint.

    Args:
        source: Training checkpoint.
        out: File to write; the hash goes between its name and ``.pth``.
        config, results, without_ema: See :func:`describe` and :func:`student_weights`.

    Returns:
        The path that was written. It appears only when it is complete.
    """
    checkpoint = load_checkpoint_file(source)
    content = dict(
        state_dict=student_weights(checkpoint, source, without_ema),
        meta=describe(checkpoint, config, results, without_ema),
    )
    buffer = io.BytesIO()
    torch.save(content, buffer)
    digest = hashlib.sha256(buffer.getbuffer()).hexdigest()[:8]
    out = Path(out)
    path = out.with_name(f'{out.name.removesuffix(".pth")}-{digest}.pth')
    write_bytes(path, buffer.getvalue())
    return path


def publish_folder(
    source,
    out,
    config=None,
    results=None,
    without_ema: bool = False,
    input_size: tuple = None,
    licence: str = None,
    teacher_licence: str = None,
    classes: tuple = (),
) -> Path:
    """Write a published model of a training checkpoint.

    Args:
        source: Training checkpoint.
        out: Folder to write; must not be there.
        config: The config file it was trained with; by default the text that is in the checkpoint, which is read without
            being executed.
        results, without_ema: See :func:`describe` and :func:`student_weights`.
        input_size: (H, W), if not that of the config's test pipeline.
        licence: Of the weights, as the hub knows it, such as ``apache-2.0``.
        teacher_licence: Of the teacher, if it is none of :data:`fsmde.models.teachers.zoo.MODEL_ZOO`.
        classes: Classes of your own that the student is made of.

    Returns:
        The folder.

    Raises:
        FileExistsError: If there is something already.
        ValueError: If there is no config or no input size, or the weights do not fit the config.
    """
    checkpoint = load_checkpoint_file(source)
    weights = student_weights(checkpoint, source, without_ema)
    text = checkpoint.get('meta', {}).get('cfg')
    if not config and not text:
        raise ValueError(f'{source} does not hold the config it was trained with: give --config')
    config = Config.fromfile(config) if config else read_config_text(text)
    size = input_size or input_size_of(config)
    if not size:
        raise ValueError("the config's test pipeline has no ResizeViews: give --size HEIGHT WIDTH")
    architecture = architecture_of(config.model, classes)
    student = build_architecture(architecture, classes=classes)
    try:
        student.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f'{source} is of another architecture than its config: {error}') from error
    dataset = _innermost((config.get('train_dataloader') or {}).get('dataset') or {}, 'dataset')
    old = checkpoint.get('meta', {})
    meta = to_plain(old.get('dataset_meta') or {})
    kind = str(getattr(dataset.get('type'), '__name__', dataset.get('type'))).split('.')[-1]
    description = dict(
        model=architecture,
        input_size=[int(side) for side in size],
        cameras=list(meta.get('cam_names') or dataset.get('cameras') or []),
        origin=dict(
            data_set=meta.get('dataset') or kind,
            split=dataset.get('split') or dataset.get('ann_file'),
            checkpoint_sha256=hashlib.sha256(Path(source).read_bytes()).hexdigest(),
            teacher=_teacher_of(config.model, teacher_licence),
            averaged='ema_state_dict' in checkpoint and not without_ema,
            versions=dict(fsmde=__version__, torch=str(torch.__version__), mmengine=old.get('mmengine_version')),
            **{key: to_plain(old[key]) for key in ('experiment_name', 'time', 'seed', 'epoch', 'iter') if key in old},
        ),
        figures=_figures_of(read_results(results)) if results else {},
    )
    return write_published(out, student.state_dict(), description, write_card(Path(out).name, description, licence))


def _innermost(node, key):
    while node.get(key):
        node = node[key]
    return node


def _teacher_of(model, licence):
    teacher = model.get('teacher')
    if not teacher:
        return None
    teacher = _innermost(teacher, 'teacher')
    name = str(teacher.get('model') or teacher.get('config') or getattr(teacher['type'], '__name__', teacher['type']))
    known = MODEL_ZOO.get(name)
    # A path on the trainer's machine is nobody's business, its last part is the name.
    return dict(name=name if known else Path(name).name, licence=licence or (known.licence if known else None))


def _figures_of(results):
    """What config.json keeps of a results.json: by protocol its settings, frames, and overall figures in metric scale."""
    protocols = results.get('protocols')
    if not isinstance(protocols, dict):
        raise ValueError('the results hold no protocols: give the results.json that tools/test.py wrote')
    return {
        name: dict(
            settings=to_plain(entry.get('settings')),
            frames=entry.get('frames'),
            metric=to_plain(entry['modes'].get('metric', {}).get('overall', {}).get('all')),
        )
        for name, entry in protocols.items()
    }


def main():
    parser = argparse.ArgumentParser(description='Write the student of a training checkpoint as what is given away.')
    parser.add_argument('checkpoint', help='training checkpoint')
    parser.add_argument('out', help='folder to write; or a .pth, into whose name the hash is put')
    parser.add_argument(
        '--config', help='config file to describe the weights with, if not the one they were trained with'
    )
    parser.add_argument('--results', help='json file of tools/test.py: metrics and protocol')
    parser.add_argument('--without-ema', action='store_true', help='the last weights instead of their moving average')
    parser.add_argument('--size', type=int, nargs=2, help="height and width of the input, if the config's do not say")
    parser.add_argument('--licence', help='of these weights, as the hub knows it: apache-2.0, cc-by-nc-4.0, ...')
    parser.add_argument('--teacher-licence', help="the teacher's, if docs/teachers.md does not list it")
    parser.add_argument('--push-to-hub', metavar='OWNER/NAME', help='also upload the folder to the Hugging Face hub')
    args = parser.parse_args()
    if args.out.endswith('.pth'):
        path = publish(args.checkpoint, args.out, args.config, args.results, args.without_ema)
        print(f'{path}: {path.stat().st_size / 2**20:.1f} MiB')
        return
    folder = publish_folder(
        args.checkpoint, args.out, args.config, args.results, args.without_ema, args.size, args.licence,
        args.teacher_licence,
    )  # fmt: skip
    print(f'{folder}: {", ".join(f"{path.name} {path.stat().st_size} bytes" for path in sorted(folder.iterdir()))}')
    if args.push_to_hub:
        print(push_to_hub(folder, args.push_to_hub))


if __name__ == '__main__':
    main()
