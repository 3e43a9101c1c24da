"""What the ``type`` of a built Config names."""


def type_name(config: dict) -> str:
    """Name of the class that a config builds, without scope and module; empty where it names none.

    Pure Python configs hold the class itself, others ``Name``, ``scope.Name`` or ``path.of.module.Name``.
    """
    kind = config.get('type') or ''
    return getattr(kind, '__name__', str(kind)).split('.')[-1]
