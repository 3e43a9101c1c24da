"""One row of a speed table."""

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from .contenders import DTYPES, StudentContender, TeacherContender
from .latency import peak_memory, summarise, time_runs

RUNTIMES = ('eager', 'compiled', 'onnx')
PRECISIONS = (*DTYPES, 'int8')
SCOPES = ('model', 'end to end')


def measure(
    name: str,
    size: tuple,
    views: int = 6,
    runtime: str = 'eager',
    precision: str = 'float32',
    scope: str = 'model',
    device: str = 'cpu',
    threads: int = 1,
    warmup: int = 3,
    repeats: int = 20,
    seconds: float = 60.0,
) -> dict:
    """Build one student or teacher in one form and time it on one frame of a rig.

    Best called in a process of its own behind :func:`fsmde.deployment.latency.pin_threads`: peak memory and CPUs are then
    its alone.

    Args:
        name: Path of a config, or a teacher as :class:`fsmde.models.HuggingFaceDepthTeacher` takes it.
        size: (H, W) of the student's images; the teacher resizes them as it does in training.
        runtime, precision, scope: Of :data:`RUNTIMES`, :data:`PRECISIONS`, :data:`SCOPES`. ``'end to end'`` is from
            uint8 images on the host to depth on the host.
        threads: Of ONNX Runtime; torch has its own setting.
        warmup, repeats, seconds: See :func:`fsmde.deployment.latency.time_runs`.

    Returns:
        The arguments that name the row, ``median_ms``, ``p95_ms``, ``fps`` (frames of ``views`` cameras a second),
        ``runs``, ``parameters`` and ``multiply_adds`` (of a frame), ``peak_mib`` above what the process held before.

    Raises:
        ValueError: If the combination does not exist.
    """
    for value, known in ((runtime, RUNTIMES), (precision, PRECISIONS), (scope, SCOPES)):
        if value not in known:
            raise ValueError(f'expected one of {known}, found {value!r}')
    if precision == ('bfloat16' if runtime == 'onnx' else 'int8'):
        raise ValueError(f'{precision} does not run in {runtime}')
    device = torch.device(device)
    init_default_scope('mmdet3d')
    before = peak_memory(device)
    student = name.endswith('.py')
    contender = (
        StudentContender(Config.fromfile(name).model, size, views) if student else TeacherContender(name, size, views)
    )
    with torch.no_grad():
        if runtime == 'onnx':
            gpu = ('CUDAExecutionProvider',) if device.type == 'cuda' else ()
            function = contender.onnx(precision, scope == 'end to end', threads, (*gpu, 'CPUExecutionProvider'))
        else:
            function = contender.eager(device, DTYPES[precision], scope == 'end to end', runtime == 'compiled')
        times = time_runs(function, device, warmup, repeats, seconds)
        peak = peak_memory(device)
        multiply_adds = contender.multiply_adds()
    return dict(
        name=name,
        kind='student' if student else 'teacher',
        runtime=runtime,
        precision=precision,
        scope=scope,
        **summarise(times),
        parameters=sum(p.numel() for p in contender.network.parameters()),
        multiply_adds=multiply_adds,
        peak_mib=peak - before,
    )
