"""One row of a speed table."""

import multiprocessing

import torch
from mmengine.registry import init_default_scope

from fsmde.engine.config_files import read_config_file

from .contenders import DTYPES, StudentContender, TeacherContender
from .latency import peak_memory, pin_threads, summarise, time_runs
from .onnx_session import OnnxSession
from .openvino_session import OpenVinoSession

RUNTIMES = ('eager', 'compiled', 'onnx', 'openvino')
PRECISIONS = (*DTYPES, 'int8')
SCOPES = ('model', 'end to end')


def kind_of(name: str) -> str:
    """What a name stands for: 'student' (a config), 'graph' (an ONNX file of another project) or 'teacher'."""
    return 'student' if name.endswith('.py') else 'graph' if name.endswith('.onnx') else 'teacher'


def exists(name: str, runtime: str, precision: str, scope: str) -> bool:
    """Whether there is such a row."""
    kind = kind_of(name)
    if runtime in ('eager', 'compiled'):
        return kind != 'graph' and precision != 'int8'
    forms = dict(student=['float32', 'float16', 'int8'], graph=['float32', 'int8'], teacher=['float32'])[kind]
    if runtime == 'openvino':
        forms = ['bfloat16', *(form for form in forms if form != 'float16')]
    # What lies around another project's graph is not known.
    return precision in forms and not (kind == 'graph' and scope != 'model')


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

    Best in a process of its own, see :func:`measure_apart`: peak memory and CPUs are then its alone.

    Args:
        name: Path of a config, of an ONNX graph of another project, or a teacher as
            :class:`fsmde.models.HuggingFaceDepthTeacher` takes it.
        size: (H, W) of the student's images; the teacher resizes them as it does in training, graphs may have a size.
        runtime, precision, scope: Of :data:`RUNTIMES`, :data:`PRECISIONS`, :data:`SCOPES`. ``'end to end'`` is from
            uint8 images on the host to depth on the host.
        threads: Of ONNX Runtime and OpenVINO; torch has its own setting.
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
    kind = kind_of(name)
    if not exists(name, runtime, precision, scope):
        raise ValueError(f'{precision} does not run in {runtime} for a {kind}, {scope}')
    device = torch.device(device)
    init_default_scope('mmdet3d')
    before = peak_memory(device)
    if kind == 'student':
        contender = StudentContender(read_config_file(name).model, size, views)
    elif kind == 'graph':
        from .foreign_graph import GraphContender

        contender = GraphContender(name, size, views)
    else:
        contender = TeacherContender(name, size, views)

    def open_session(path):
        if runtime == 'openvino':
            return OpenVinoSession(path, threads, 'bfloat16' if precision == 'bfloat16' else 'float32')
        gpu = ('CUDAExecutionProvider',) if device.type == 'cuda' else ()
        return OnnxSession(path, threads, (*gpu, 'CPUExecutionProvider'))

    with torch.no_grad():
        if runtime in ('onnx', 'openvino'):
            form = 'float32' if precision == 'bfloat16' else precision
            function = contender.graph(form, scope == 'end to end', open_session)
        else:
            function = contender.eager(device, DTYPES[precision], scope == 'end to end', runtime == 'compiled')
        times = time_runs(function, device, warmup, repeats, seconds)
        peak = peak_memory(device)
        multiply_adds = contender.multiply_adds()
    return dict(
        name=name,
        kind=kind,
        runtime=runtime,
        precision=precision,
        scope=scope,
        **summarise(times),
        parameters=contender.parameters,
        multiply_adds=multiply_adds,
        peak_mib=peak - before,
    )


def measure_apart(threads: int = 1, **options) -> dict:
    """:func:`measure` in a new process on CPUs of its own, as many as threads."""
    with multiprocessing.get_context('spawn').Pool(1, pin_threads, (threads,)) as pool:
        return pool.apply(measure, kwds=dict(options, threads=threads))
