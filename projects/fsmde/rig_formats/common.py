"""What the readers share."""

from contextlib import contextmanager

import numpy as np

#: From OpenCV's pixels, whose first one has its centre at 0, to ours.
HALF_PIXEL = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])


def turned_intrinsics(linear, focal: float, center) -> tuple:
    """Intrinsics of a lens whose image is moved by [[c, d], [e, 1]], where ``cam2img`` has no place for e.

    A lens that is the same all round does not mind a turn about its axis: the matrix is one of the form of ``cam2img`` times
    a turn, which becomes the camera's.

    Args:
        linear: c, d and e.
        focal: Focal length in pixels.
        center: cx and cy in OpenCV's pixels.

    Returns:
        (3, 3) cam2img in our pixels, and (4, 4) that maps points of the camera to be turned to those of the camera as it
        was: ``cam2ego @`` it is the pose.
    """
    c, d, e = linear
    length = np.hypot(e, 1)
    sin, cos = e / length, 1 / length
    cam2img = np.eye(3)
    cam2img[:2, :2] = np.array([[c * cos - d * sin, c * sin + d * cos], [0, length]]) * focal
    cam2img[:2, 2] = center
    turn = np.eye(4)
    turn[:2, :2] = [[cos, sin], [-sin, cos]]
    return cam2img + HALF_PIXEL, turn


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
