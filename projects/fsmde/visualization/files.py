"""Files that appear under their name only when they are complete."""

import os
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_when_written(path):
    """Give a temporary path beside ``path`` to write to, and rename it when the block ends without an exception.

    Missing folders are made. After an exception the temporary file is removed and an older ``path`` is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'{path.name}.{os.getpid()}.tmp')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
