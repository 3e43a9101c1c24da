"""What a command says of an error: a line where we found out what the user has to mend, else the trace."""

import dis
import sys
from contextlib import contextmanager

from .concurrency import BusyError


@contextmanager
def mistakes_in_one_line(tool: str):
    """Around or on a command's main function: our own messages end it with exit code 1 and the line ``<tool>: ...``.

    They say what is wrong with files and settings, and what to do. Any other error keeps its trace, since without it
    nobody finds out where it comes from: those of libraries, of teachers and transforms that a config names, and of our bugs.

    Args:
        tool: Name of the command, that of its file without ``.py``.

    Raises:
        SystemExit: With the line.
    """
    try:
        yield
    except (ValueError, KeyError, OSError, ImportError, BusyError) as error:
        if not _is_our_message(error, tool):
            raise
        # The text of a KeyError is in quotes.
        said = error.args[0] if isinstance(error, KeyError) else error
        raise SystemExit(f'{tool}: {said}') from error


def _is_our_message(error, tool):
    """Whether our code raised an error, or met one of the operating system, which names the file.

    The standard library is left out at the end of the trace: it opens files for us, and hands on errors of other processes.
    """
    trace, last, further = error.__traceback__, None, None
    while trace:
        if _module(trace) not in sys.stdlib_module_names:
            last, further = trace, trace.tb_next
        trace = trace.tb_next
    if _module(last) not in ('fsmde', '__main__', tool):
        return False
    # Of what our own line did, to unpack three values into two is a bug, and only `raise` is a message.
    code = last.tb_frame.f_code.co_code
    return bool(further) or isinstance(error, OSError) or dis.opname[code[last.tb_lasti]] == 'RAISE_VARARGS'


def _module(trace):
    return trace.tb_frame.f_globals.get('__name__', '').split('.')[0]
