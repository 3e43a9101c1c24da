"""Pipelines edited by what is in them, not by place: import these in ``read_base()``, and ``del`` them at the end.

    with read_base():
        from fsmde.configs._base_.pipelines import insert_after
        ...
    train_pipeline = insert_after(train_pipeline, ResizeViews, dict(type=KeepTeacherViews))

Each returns a new list, to be handed to the data set; ValueError where the named transform is not there exactly once.
"""


def place_of(pipeline, transform) -> int:
    """Index of the one step whose type is ``transform``: a class, one that a lazy config imports, or a name."""
    name = transform.__name__ if isinstance(transform, type) else str(transform)
    names = [step['type'].__name__ if isinstance(step['type'], type) else str(step['type']) for step in pipeline]
    if names.count(name) != 1:
        raise ValueError(f'expected {name} once in the pipeline, found {names.count(name)} times in {names}')
    return names.index(name)


def insert_before(pipeline, transform, *steps) -> list:
    """The pipeline with ``steps`` before the step of type ``transform``."""
    place = place_of(pipeline, transform)
    return [*pipeline[:place], *steps, *pipeline[place:]]


def insert_after(pipeline, transform, *steps) -> list:
    """The pipeline with ``steps`` behind the step of type ``transform``."""
    place = place_of(pipeline, transform) + 1
    return [*pipeline[:place], *steps, *pipeline[place:]]


def replace(pipeline, transform, *steps) -> list:
    """The pipeline with ``steps``, or nothing, in the place of the step of type ``transform``."""
    place = place_of(pipeline, transform)
    return [*pipeline[:place], *steps, *pipeline[place + 1 :]]
