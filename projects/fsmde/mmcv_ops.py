"""Using mmdet3d without mmcv's compiled ops, which only detectors need: a stand-in for the module ``mmcv._ext``.

mmcv-lite has every Python file of mmcv and not this module, which mmdet3d's imports load. Importing this file puts a
stand-in there, and does nothing where mmcv was compiled. It must come before mmdet3d is imported.
"""

import importlib.machinery
import importlib.util
import sys
import types

EXTENSION = 'mmcv._ext'
#: What mmcv's report of its environment calls: answers rather than ops.
REPORTED = ('get_compiler_version', 'get_compiling_cuda_version')


class MissingOpError(RuntimeError):
    """A compiled op of mmcv was called where mmcv has none."""


def provide_ops() -> bool:
    """Put the stand-in where mmcv has no compiled ops.

    Returns:
        bool: Whether mmcv has them.

    Raises:
        ImportError: If there is no mmcv at all.
    """
    if importlib.util.find_spec('mmcv') is None:
        raise ImportError(
            'fsmde needs mmcv, and there is none: pip install mmcv-lite==2.1.0 needs no compiler and is enough for depth; '
            'BEV detectors need mmcv==2.1.0 with its compiled ops'
        )
    if sys.modules.get(EXTENSION) is None and importlib.util.find_spec(EXTENSION) is None:
        sys.modules[EXTENSION] = _StandIn(EXTENSION)
    return not isinstance(sys.modules.get(EXTENSION), _StandIn)


class _StandIn(types.ModuleType):
    """Has every op; each raises when it is called."""

    def __init__(self, name):
        super().__init__(name, 'Stands for the compiled ops of mmcv.')
        # Without a loader, as mmengine's search for compiled ops expects it where there are none.
        self.__spec__ = importlib.machinery.ModuleSpec(name, None)

    def __getattr__(self, op):
        if op.startswith('__'):
            raise AttributeError(op)
        if op in REPORTED:
            return lambda: 'not compiled'

        def missing(*args, **kwargs):
            raise MissingOpError(
                f'{op} is a compiled op of mmcv, and this environment has mmcv without them. Depth estimation needs '
                'none; BEV detectors do. In a clone of fsmde, `make setup-ops` compiles them into .venv; elsewhere, '
                '`pip uninstall mmcv-lite` and install mmcv==2.1.0 as the README says'
            )

        return missing


provide_ops()
