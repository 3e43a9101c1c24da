"""Turn a training checkpoint into a file to give away: the student's weights and where they come from.

    python tools/model_converters/publish_model.py work_dirs/run/epoch_30.pth fsmde_r34_ddad.pth --results results.json

writes ``fsmde_r34_ddad-<first 8 digits of the file's sha256>.pth``, a dictionary of ``state_dict`` (tensors) and
``meta`` (plain python types), which ``torch.load(..., weights_only=True)`` reads wherever torch is, and which any
config of OpenMMLab takes as ``init_cfg=dict(type='Pretrained', checkpoint=..., prefix='backbone.')``.
"""

import argparse
import hashlib
import io
import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from fsmde.engine.checkpoint import load_checkpoint_file
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
        try:
            meta['results'] = json.loads(Path(results).read_text())
        except ValueError as error:
            raise ValueError(f'{results} is no json: {error}; give the file that tools/test.py wrote') from error
    return meta


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


def main():
    parser = argparse.ArgumentParser(description='Write the student of a training checkpoint as a file to give away.')
    parser.add_argument('checkpoint', help='training checkpoint')
    parser.add_argument('out', help='file to write; the hash is put into its name')
    parser.add_argument(
        '--config', help='config file to describe the weights with, if not the one they were trained with'
    )
    parser.add_argument('--results', help='json file of tools/test.py: metrics and protocol')
    parser.add_argument('--without-ema', action='store_true', help='the last weights instead of their moving average')
    args = parser.parse_args()
    path = publish(args.checkpoint, args.out, args.config, args.results, args.without_ema)
    print(f'{path}: {path.stat().st_size / 2**20:.1f} MiB')


if __name__ == '__main__':
    main()
