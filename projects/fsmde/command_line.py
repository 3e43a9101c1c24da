"""What a command says of errors and of empty options: a line where we found out what the user has to mend, else the trace."""

import dis
import errno
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path

from .concurrency import BusyError

OURS, STANDARD = (str(Path(module.__file__).parent) + os.sep for module in (sys.modules[__package__], os))
LIBRARIES = {'site-packages', 'dist-packages'}


@contextmanager
def mistakes_in_one_line(tool: str):
    """Around or on a command's main function: our own messages end it with exit code 1 and the line ``<tool>: ...``.

    They say what is wrong with files and settings, and what to do. Any other error keeps its trace, since without it
    nobody finds out where it comes from: those of libraries, of teachers and transforms that a config names, and of our bugs.
    What such a class of the user's own lets us raise has its trace, too, unless it is installed as libraries are.
    A reader that leaves the output, such as ``head``, ends the command without a word.

    Args:
        tool: Name of the command, that of its file without ``.py``.

    Raises:
        SystemExit: With the line.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        if not _output_is_left():
            raise
        # What the interpreter still flushes when it ends goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except (ValueError, KeyError, OSError, ImportError, BusyError) as error:
        # The text of a KeyError is in quotes.
        said = error.args[0] if isinstance(error, KeyError) and len(error.args) == 1 else str(error)
        if not said or not _is_our_message(error):
            raise
        raise SystemExit(f'{tool}: {said}') from error


def refuse_empty_options(parser, args, but: tuple = ()):
    """The parsed arguments, if none of them is empty: ``--data-root "$DATA"`` of an unset variable is no request.

    ``but`` names those that may be.
    """
    for name, value in vars(args).items():
        # What a Path makes of nothing, where nothing else may be.
        unset = isinstance(value, Path) and str(value) == '.' and '' in sys.argv and not but
        if name not in but and (value == '' or unset or isinstance(value, list) and '' in value):
            parser.error(f'{name} is empty: is the variable set that it comes from?')
    return args


def _output_is_left():
    """Whether nobody reads what we print: pipes to other processes break, too."""
    try:
        sys.stdout.write('\n')
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def _is_our_message(error):
    """Whether our code raised an error by ``raise``, or met one of the operating system, which names the file.

    The standard library is left out: it opens files for us, and hands on errors of other processes.
    """
    frames = [frame for frame in _frames(error) if not _is_standard(frame[0])]
    # The command is the first behind this module; its file need not be in the package.
    command = next(path for path, _ in frames if path != __file__)
    ours = [path == command or path.startswith(OURS) for path, _ in frames]
    if not ours[-1]:
        return False
    if any(not own and LIBRARIES.isdisjoint(Path(path).parts) for (path, _), own in zip(frames, ours)):
        return False
    # Of what our own line did, to unpack three values into two is a bug, and only `raise` is a message.
    if frames[-1][1]:
        return True
    # A full disk has no name, but nothing is wrong with the code either.
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) if isinstance(error, OSError) else False
    return full or getattr(error, 'filename', None) is not None


def _frames(error):
    """Paths of an error's frames, the innermost last, and whether each one is at a ``raise``."""
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        yield code.co_filename, dis.opname[code.co_code[trace.tb_lasti]] == 'RAISE_VARARGS'
        trace = trace.tb_next
    # Of another process there is the text alone.
    if type(error.__cause__).__name__ in ('_RemoteTraceback', 'RemoteTraceback'):
        text = str(error.__cause__).rpartition('Traceback (most recent call last):')[2]
        for path, line in re.findall(r'^  File "(.+)", line \d+, in .+\n(?:    (.*))?', text, re.MULTILINE):
            yield path, re.match(r'raise\b', line) is not None


def _is_standard(path):
    return path.startswith('<frozen ') or path.startswith(STANDARD) and LIBRARIES.isdisjoint(Path(path).parts)
