"""What keeps processes out of each other's way: folders with one owner, and children that end with their parent."""

import contextlib
import ctypes
import os
import os.path as osp
import shutil
import signal
import subprocess
import sys
import threading
from multiprocessing import parent_process

from filelock import FileLock, Timeout

#: Name of the file inside a folder that says, while it is locked, that somebody works there.
LOCK = '.lock'
#: Seconds after which a folder counts as taken: the data-loader workers of a killed process end within five.
PATIENCE = 20
#: Of Linux's prctl(2): the signal that a process gets when its parent ends.
PR_SET_PDEATHSIG = 1


class BusyError(RuntimeError):
    """Somebody else works in a folder."""


@contextlib.contextmanager
def only_one(path: str, what: str, patience: float = PATIENCE):
    """Hold a lock on a file while the block runs; the operating system lets go of it when the process dies.

    Args:
        path: The lock's file; it stays there.
        what: Is at work there, for the message.
        patience: Seconds to wait for another owner.

    Raises:
        BusyError: If there is another owner still.
    """
    os.makedirs(osp.dirname(osp.abspath(path)), exist_ok=True)
    lock = FileLock(path, mode=0o644)
    try:
        lock.acquire(timeout=patience)
    except Timeout as error:
        folder = osp.dirname(osp.abspath(path))
        raise BusyError(f'{what} is at work in {folder} (it holds {path}): wait for it, or choose another') from error
    try:
        yield
    finally:
        lock.release()


def empty(folder: str) -> None:
    """Remove all that is in a folder but the lock that its owner holds; a folder that is not there stays away."""
    for entry in os.scandir(folder) if osp.isdir(folder) else ():
        if entry.name != LOCK:
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)


def start_tied(command: list, **options) -> subprocess.Popen:
    """Start a command that is ended (SIGTERM) when this process ends, however it does: on Linux. Elsewhere it goes on.

    ``options`` are those of :class:`subprocess.Popen`.
    """

    def tie():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    libc = ctypes.CDLL(None) if sys.platform == 'linux' else None
    return subprocess.Popen(command, preexec_fn=libc and tie, **options)


def end_with_parent() -> None:
    """In a process that :mod:`multiprocessing` started: end at once when the parent does, however that ends."""

    def watch():
        parent_process().join()
        sys.stderr.write('the process that started this one is gone: ending\n')
        os._exit(1)

    if parent_process() is not None:
        threading.Thread(target=watch, daemon=True).start()
