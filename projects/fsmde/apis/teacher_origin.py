"""Who taught a student, and under which licence, from what a training leaves behind."""

from mmengine.logging import MMLogger

from fsmde.config_types import type_name
from fsmde.models.teachers.licence import is_non_commercial, joined
from fsmde.models.teachers.zoo import licence_of, short_name
from fsmde.teacher_cache import open_cache

from .published_model import read_config


def teacher_of(model: dict, trained_with: dict = None, licence: str = None) -> dict:
    """Name and licence of the teacher: as the checkpoint says, or where it does not, as the config does.

    Args:
        model: Config of the estimator.
        trained_with: The checkpoint's ``meta['teacher']``, None in those of before there was one.
        licence: Of the teacher, if both do not say it or are wrong.

    Returns:
        dict: ``name`` and ``licence`` (None if it is not known); None for a student without a teacher.

    Raises:
        ValueError: If there is a licence of a teacher, and no teacher.
    """
    if not trained_with and not model.get('teacher'):
        if licence:
            raise ValueError(
                f'the teacher is said to come under {licence}, but neither the checkpoint nor its config knows of a teacher: '
                'leave --teacher-licence out, or give the --config it was trained with'
            )
        return None
    found = {key: value and str(value) for key, value in (trained_with or {}).items()}
    name, stated = _stated(model['teacher']) if model.get('teacher') else (None, None)
    return dict(name=found.get('name') or name, licence=licence or found.get('licence') or stated)


def warn_if_non_commercial(teacher: dict, licence: str) -> None:
    """Say it loudly if a teacher's licence forbids what that of the student's weights does not."""
    if teacher and is_non_commercial(teacher['licence']) and not is_non_commercial(licence):
        MMLogger.get_current_instance().warning(
            f'NOT FOR COMMERCIAL USE: the teacher {teacher["name"]} comes under {teacher["licence"]}, which stands in what is '
            f'published; the licence of these weights is {licence or "not stated"}. Read both before you give them away'
        )


def _stated(teacher):
    """What a teacher's config says of its name and licence, and what lies on the disk beside the weights or in a cache."""
    kind = type_name(teacher)
    if teacher.get('teachers'):
        names, licences = zip(*map(_stated, teacher['teachers']))
        name, licence = f'{teacher.get("combine", "mean")} of {", ".join(names)}', joined(licences)
    elif teacher.get('cache') or teacher.get('teacher'):
        name, licence = _stated(teacher['teacher']) if teacher.get('teacher') else (kind, None)
        try:
            cache = open_cache(teacher['cache']).description() if teacher.get('cache') else {}
        except (FileNotFoundError, ValueError):  # It stayed where the training was.
            cache = {}
        name, licence = cache.get('name') or name, licence or cache.get('licence')
    else:
        path = str(teacher.get('model') or teacher.get('config') or kind)
        name, licence = short_name(path), licence_of(path)
        try:  # A published student that teaches hands on its teacher's licence, too.
            origin = read_config(path)['origin'] if teacher.get('config') else {}
        except (OSError, ValueError):
            origin = {}
        if origin.get('teacher'):
            licence = joined([origin.get('licence') or licence, origin['teacher'].get('licence')])
        else:
            licence = origin.get('licence') or licence
    return name, teacher.get('licence') or licence
