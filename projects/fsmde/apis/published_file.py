"""One ``.pth`` of a student for stock mmdet3d: weights, and where they come from in plain types."""

import hashlib
import io
from pathlib import Path

import torch

from fsmde.engine.checkpoint import load_checkpoint_file
from fsmde.engine.config_files import read_config_file
from fsmde.output_files import write_bytes
from fsmde.version import __version__

from .config_text import read_config_text
from .publishing import results_of, student_weights, to_plain
from .teacher_origin import teacher_of, warn_if_non_commercial

#: What is kept of the meta information that mmengine writes.
KEPT_META = ('experiment_name', 'time', 'seed', 'epoch', 'iter', 'mmengine_version', 'dataset_meta', 'teacher')


def publish_file(
    source,
    out,
    config=None,
    results=None,
    without_ema: bool = False,
    licence: str = None,
    teacher_licence: str = None,
) -> Path:
    """Write the student of a training checkpoint as a file that ``torch.load(..., weights_only=True)`` reads anywhere.

    Args:
        source: Training checkpoint.
        out: File to write; the first 8 digits of its sha256 go between its name and ``.pth``.
        config: Config file to describe the weights with; by default the text that is in the checkpoint.
        results: Json file of ``tools/test.py`` for this checkpoint, taken over as it is.
        without_ema: See :func:`fsmde.apis.publishing.student_weights`.
        licence: Of the weights.
        teacher_licence: Of the teacher, if the checkpoint does not say it or is wrong.

    Returns:
        The path that was written, of a dictionary of ``state_dict`` and ``meta``. It appears only when it is complete.

    Raises:
        ValueError: If the checkpoint holds no student, the results are none or of other weights, or there is a licence of a
            teacher and no teacher.
    """
    checkpoint = load_checkpoint_file(source)
    weights = student_weights(checkpoint, source, without_ema)
    old = checkpoint.get('meta', {})
    meta = {key: to_plain(old[key]) for key in KEPT_META if key in old}
    meta.update(
        fsmde_version=__version__,
        torch_version=str(torch.__version__),
        averaged='ema_state_dict' in checkpoint and not without_ema,
        config=read_config_file(config).pretty_text if config else old.get('cfg'),
    )
    teacher = teacher_of(_model_of(old.get('cfg'), config), old.get('teacher'), teacher_licence)
    warn_if_non_commercial(teacher, licence)
    meta.update({key: value for key, value in dict(licence=licence, teacher=teacher).items() if value})
    if results:
        meta['results'] = results_of(results, source, without_ema)
    buffer = io.BytesIO()
    torch.save(dict(state_dict=weights, meta=meta), buffer)
    digest = hashlib.sha256(buffer.getbuffer()).hexdigest()[:8]
    out = Path(out)
    path = out.with_name(f'{out.name.removesuffix(".pth")}-{digest}.pth')
    write_bytes(path, buffer.getvalue())
    return path


def _model_of(text, config):
    """Config of the estimator, empty where there is none that can be read without being executed."""
    try:
        return (read_config_file(config) if config else read_config_text(text or '')).get('model') or {}
    except ValueError:
        if config:
            raise
        return {}
