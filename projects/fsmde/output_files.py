"""Files that appear under their name only when they are complete: the one way in which results are written."""

import io
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_when_written(path, size: int = None):
    """Give a temporary path beside ``path`` to write to, and rename it when the block ends without an exception.

    Missing folders are made. After an exception the temporary file is removed and an older ``path`` is untouched. A kill
    leaves at most a file named ``<name>.*.tmp``, which may be deleted. A symbolic link stays, and the file that it leads to
    is written.

    Args:
        path: File to write.
        size: Bytes that are going to be written, to be named if they cannot be.

    Raises:
        OSError: If it cannot be written, a full disk among others; names ``path``. Of other files that the block reads it is
            raised as it is.
    """
    path = Path(path)
    temporary, in_block = None, False
    try:
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        # A name may be as long as file systems allow; a character has up to four bytes.
        handle, temporary = tempfile.mkstemp('.tmp', f'{target.name[:60]}.', target.parent)
        os.close(handle)
        temporary = Path(temporary)
        in_block = True
        yield temporary
        in_block = False
        with open(temporary, 'rb+') as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, target)
    except OSError as error:
        # Of a file that the block reads, which has a name of its own.
        if in_block and (error.errno is None or error.filename not in (None, str(temporary))):
            raise
        what = path if size is None else f'{path} ({size / 2**20:.0f} MiB)'
        raise OSError(error.errno, f'cannot write {what}: {error.strerror or error}') from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def refuse_filled(folder, overwrite: bool = False) -> None:
    """Refuse to write among the files of another run, of which some would be replaced and others stay.

    Raises:
        ValueError: If there is anything in the folder, unless ``overwrite``.
    """
    if not overwrite and os.path.isdir(folder) and os.listdir(folder):
        raise ValueError(
            f'{folder} is not empty: name another folder, or --overwrite, in Python overwrite=True, replaces files of the '
            'same names'
        )


def write_bytes(path, content: bytes) -> None:
    """Write a file at once, see :func:`replace_when_written`."""
    with replace_when_written(path, len(content)) as temporary:
        temporary.write_bytes(content)


def write_figure(path, figure, **options) -> None:
    """Write a matplotlib figure as PNG; ``options`` are those of its ``savefig``."""
    content = io.BytesIO()  # Given a file, Pillow leaves it cut on a full disk and says nothing.
    figure.savefig(content, format='png', **options)
    write_bytes(path, content.getvalue())


def write_text(path, text: str) -> None:
    """Write a UTF-8 text file at once, see :func:`replace_when_written`."""
    write_bytes(path, text.encode())
