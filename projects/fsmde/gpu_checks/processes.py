"""Commands of tools/ in processes of their own."""

import os
import runpy
import sys
from pathlib import Path

import torch

from fsmde.engine.processes import PROCESSES

PATIENCE = 600


def _main(script, argv, log, threads, environ):
    with open(log, 'w') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(environ)
    torch.set_num_threads(threads)
    sys.argv = [script, *argv]
    runpy.run_path(script, run_name='__main__')


def start_tool(setting, tool, *argv, rank=0, **environ):
    """Start ``python tools/<tool> *argv`` in a process of its own; returns it and the file of what it prints."""
    log = setting.folder / f'{Path(tool).stem}_{rank}.log'
    argv = [str(argument) for argument in argv]
    process = PROCESSES.Process(
        target=_main, args=(str(setting.tools / tool), argv, str(log), torch.get_num_threads(), environ)
    )
    process.start()
    return process, log


def finish(process, log):
    """Wait for a process; what it printed. A RuntimeError with the end of that if it failed or hangs."""
    process.join(PATIENCE)
    hangs = process.exitcode is None
    if hangs:
        process.kill()
        process.join()
    said = log.read_text(errors='replace')
    if process.exitcode:
        what = f'did not end within {PATIENCE} s' if hangs else f'ended with {process.exitcode}'
        raise RuntimeError(f'{log.stem} {what}:\n' + '\n'.join(said.splitlines()[-25:]))
    return said


def run_tool(setting, tool, *argv):
    """Run ``python tools/<tool> *argv``; what it printed."""
    return finish(*start_tool(setting, tool, *argv))
