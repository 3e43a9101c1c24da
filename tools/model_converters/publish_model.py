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
from pathlib import Path

import torch
from mmengine.config import Config

from fsmde.apis import publish_folder, push_to_hub
from fsmde.apis.config_text import read_config_text
from fsmde.apis.publishing import read_results, student_weights, to_plain
from fsmde.apis.teacher_origin import teacher_of, warn_if_non_commercial
from fsmde.engine.checkpoint import load_checkpoint_file
from fsmde.engine.launch import refuse_empty_options
from fsmde.output_files import write_bytes
from fsmde.version import __version__

#: What is kept of the meta information that mmengine writes.
KEPT_META = ('experiment_name', 'time', 'seed', 'epoch', 'iter', 'mmengine_version', 'dataset_meta', 'teacher')


def describe(
    checkpoint: dict, config=None, results=None, without_ema=False, licence=None, teacher_licence=None
) -> dict:
    """Where weights come from: config text, versions, training progress, and metrics with their protocol.

    Args:
        checkpoint: What mmengine saved.
        config: Config file; by default the text that is in the checkpoint.
        results: Json file of ``tools/test.py``, taken over as it is.
        without_ema: As given to :func:`student_weights`.
        licence: Of the weights.
        teacher_licence: Of the teacher, if the checkpoint does not say it or is wrong.

    Raises:
        ValueError: If there is a licence of a teacher and no teacher.
    """
    old = checkpoint.get('meta', {})
    meta = {key: to_plain(old[key]) for key in KEPT_META if key in old}
    meta.update(
        fsmde_version=__version__,
        torch_version=str(torch.__version__),
        averaged='ema_state_dict' in checkpoint and not without_ema,
        config=Config.fromfile(config).pretty_text if config else old.get('cfg'),
    )
    teacher = teacher_of(_model_of(old.get('cfg'), config), old.get('teacher'), teacher_licence)
    warn_if_non_commercial(teacher, licence)
    meta.update({key: value for key, value in dict(licence=licence, teacher=teacher).items() if value})
    if results:
        meta['results'] = read_results(results)
    return meta


def _model_of(text, config):
    """Config of the estimator, empty where there is none that can be read without being executed."""
    try:
        return (Config.fromfile(config) if config else read_config_text(text or '')).get('model') or {}
    except ValueError:
        if config:
            raise
        return {}


def publish(source, out, config=None, results=None, without_ema=False, licence=None, teacher_licence=None) -> Path:
    """Write the published file of a training checkpoint.

    Args:
        source: Training checkpoint.
        out: File to write; the hash goes between its name and ``.pth``.
        config, results, without_ema, licence, teacher_licence: See :func:`describe` and :func:`student_weights`.

    Returns:
        The path that was written. It appears only when it is complete.
    """
    checkpoint = load_checkpoint_file(source)
    content = dict(
        state_dict=student_weights(checkpoint, source, without_ema),
        meta=describe(checkpoint, config, results, without_ema, licence, teacher_licence),
    )
    buffer = io.BytesIO()
    torch.save(content, buffer)
    digest = hashlib.sha256(buffer.getbuffer()).hexdigest()[:8]
    out = Path(out)
    path = out.with_name(f'{out.name.removesuffix(".pth")}-{digest}.pth')
    write_bytes(path, buffer.getvalue())
    return path


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
    parser.add_argument('--teacher-licence', help="the teacher's, if the checkpoint does not say it")
    parser.add_argument('--half', action='store_true', help='store float16, for half of the bytes; not for a .pth')
    parser.add_argument('--push-to-hub', metavar='OWNER/NAME', help='also upload the folder to the Hugging Face hub')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.out.endswith('.pth'):
        path = publish(
            args.checkpoint, args.out, args.config, args.results, args.without_ema, args.licence, args.teacher_licence
        )
        print(f'{path}: {path.stat().st_size / 2**20:.1f} MiB')
        return
    folder = publish_folder(
        args.checkpoint, args.out, args.config, args.results, args.without_ema, args.size, args.licence,
        args.teacher_licence, half=args.half,
    )  # fmt: skip
    print(f'{folder}: {", ".join(f"{path.name} {path.stat().st_size} bytes" for path in sorted(folder.iterdir()))}')
    if args.push_to_hub:
        print(push_to_hub(folder, args.push_to_hub))


if __name__ == '__main__':
    main()
