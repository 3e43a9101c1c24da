"""How long a function takes, and what it needs, on one device."""

import os
import resource
import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode


def pin_threads(threads: int) -> None:
    """Let this process compute on ``threads`` CPUs and on no others, where the system can do that."""
    torch.set_num_threads(threads)
    if hasattr(os, 'sched_setaffinity'):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def time_runs(function, device: torch.device, warmup: int = 3, repeats: int = 20, seconds: float = 60.0) -> list:
    """Milliseconds of each of some calls.

    Args:
        function: Called without arguments. On a GPU its work is timed with events, on a CPU by the clock.
        warmup: Calls before, which are not timed.
        repeats: Timed calls; fewer, but at least 3, if they take longer than ``seconds`` together.
    """
    for _ in range(warmup):
        function()
    times, start = [], time.perf_counter()
    while len(times) < repeats and (len(times) < 3 or time.perf_counter() - start < seconds):
        times.append(_time_on_gpu(function) if device.type == 'cuda' else _time_on_cpu(function))
    return times


def _time_on_cpu(function):
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start)


def _time_on_gpu(function):
    start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    function()
    stop.record()
    torch.cuda.synchronize()
    return start.elapsed_time(stop)


def summarise(times: list) -> dict:
    """Median and 95th percentile in milliseconds, and calls a second by the median."""
    median, p95 = np.percentile(times, [50, 95])
    return dict(median_ms=float(median), p95_ms=float(p95), fps=1000 / float(median), runs=len(times))


def peak_memory(device: torch.device) -> float:
    """Largest memory so far in MiB: what torch allocated on a GPU, what this process held on a CPU."""
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _plain_attention():
    if torch.__version__ < (2, 3):
        return torch.backends.cuda.sdp_kernel(enable_flash=False, enable_mem_efficient=False)
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(SDPBackend.MATH)


def count_multiply_adds(function) -> int:
    """Multiply-adds of a call: convolutions, matrix products and attention, the last in its plain form.

    mmengine's counter leaves attention out, as torch's does with its fused form: a quarter of Depth Anything V2 Small.
    """
    with torch.no_grad(), _plain_attention(), FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() // 2
