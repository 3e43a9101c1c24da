"""What the readers share."""

from contextlib import contextmanager

import numpy as np

#: From OpenCV's pixels, whose first one has its centre at 0, to ours.
HALF_PIXEL = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])


@contextmanager
def reading(path, format_name: str):
    """Turn what a reader stumbles over into a ValueError that names the file and the format."""
    try:
        yield
    except FileNotFoundError:
        raise
    except KeyError as error:
        raise ValueError(f'{path} is not in the format of {format_name}: {error} is missing') from error
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f'{path}: {error}') from error


def size_of(camera: str, stated, given) -> tuple:
    """(width, height) that a file states, else the one that was given.

    Raises:
        ValueError: If neither is there.
    """
    if stated is None and given is None:
        raise ValueError(f'camera {camera}: the files do not state the size of its images: give --size WIDTH HEIGHT')
    return tuple(given if stated is None else stated)
