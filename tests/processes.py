"""Commands of tools/ for tests: as modules, and in processes forked from one that has imported everything once."""

import importlib.util
import os
import runpy
import socket
import sys
from pathlib import Path

from fsmde.engine.processes import PROCESSES

TOOLS = Path(__file__).parents[1] / 'tools'
#: Seconds after which a process is taken to hang; on a busy machine one that needs ten may take minutes.
PATIENCE = 900


def load_tool(name):
    """The module tools/<name>."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, TOOLS / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start(function, *args, log, **environ):
    """Start ``function(*args)``, with what it prints in the file ``log``; returns the process."""
    process = PROCESSES.Process(target=_run, args=(function, args, str(log), environ))
    process.start()
    return process


def start_tool(name, *argv, log, **environ):
    """Start ``python tools/<name> *argv``."""
    return start(tool_main, name, [str(arg) for arg in argv], log=log, **environ)


def run_tool(name, *argv, log, **environ):
    """Run ``python tools/<name> *argv``; returns its exit code (negative: the signal) and what it printed."""
    process = start_tool(name, *argv, log=log, **environ)
    wait_for(process)
    return process.exitcode, Path(log).read_text()


def free_port():
    """A port for two processes to meet at, as text."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return str(free.getsockname()[1])


def wait_for(process):
    """Wait until a process of :func:`start` ends; one that hangs is ended, and fails the test."""
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f'a process hangs: it did not end within {PATIENCE} s')


def _run(function, args, log, environ):
    import torch

    with open(log, 'w') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(environ)
    torch.set_num_threads(1)
    function(*args)


def tool_main(name, argv):
    sys.argv = [str(TOOLS / name), *argv]
    runpy.run_path(sys.argv[0], run_name='__main__')
