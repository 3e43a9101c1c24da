"""Masks of what a camera sees of the car itself."""

import logging
from functools import cache

import cv2
import numpy as np
from mmengine.logging import print_log

from .image_files import load_image

#: How far a mask's grey values may be from 0 and 255: JPEG changes them a little.
NEAR = 16


def check_self_occlusion(root: str, template: str = '{scene}/{camera}.png', valid: int = None) -> dict:
    """The ``self_occlusion`` of a data set's config, complete, see :class:`fsmde.datasets.SurroundDepthDataset`.

    Raises:
        ValueError: If it does not say which grey value shows the world, or names what no path has in it.
    """
    if valid not in (0, 255):
        raise ValueError(
            'self_occlusion needs valid=255 or valid=0, the grey value of pixels that show the world (the public '
            f'mask families differ in it: look at one), found {valid!r}'
        )
    try:
        template.format(scene='', camera='')
    except (KeyError, IndexError) as error:
        raise ValueError(f'self_occlusion: template may name {{scene}} and {{camera}}, found {template!r}') from error
    return dict(root=root, template=template, valid=valid)


def load_visible(path: str, valid_value: int, size) -> np.ndarray:
    """Read a self-occlusion mask as (H, W) bool, True where the world is seen.

    A mask that hides its whole image is logged, once.

    Args:
        valid_value: 255 or 0, the grey value that marks the world.
        size: (height, width) of the mask's image.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, of another size than its image, or holds anything else than black and white:
            coloured, transparent or 16-bit pixels, grey, 0 and 1.
    """
    mask = load_image(path, cv2.IMREAD_UNCHANGED)
    if mask.shape[:2] != tuple(size):
        raise ValueError(f'{path}: the mask is {mask.shape[:2]}, its image {tuple(size)} (height, width)')
    white = read_black_and_white(mask, path)
    visible = white == (valid_value == 255)
    if not visible.any():
        say_hidden(path, valid_value)
    return visible


def read_black_and_white(mask: np.ndarray, path: str) -> np.ndarray:
    """(H, W) bool, True where a decoded mask is white."""

    def refuse(found):
        raise ValueError(f'{path}: {found}; a mask holds 8-bit grey values of 0 and 255: save it so')

    if mask.dtype != np.uint8:
        refuse(f'the mask holds {mask.dtype}')
    if mask.ndim == 3:
        if mask.shape[2] == 4 and (mask[..., 3] < 255).any():
            refuse('the mask is transparent')
        if np.ptp(mask[..., :3], axis=2).max() > NEAR:
            refuse('the mask is coloured')
        mask = np.ascontiguousarray(mask[..., 1])
    values = np.flatnonzero(cv2.calcHist([mask], [0], None, [256], [0, 256]))
    black, white = values <= NEAR, values >= 255 - NEAR
    # Of a mask that is all near black, or all near white, only 0 or only 255 means one thing: 0 and 1 mean two.
    plain = (black | white).all() and (black.any() and white.any() or values.tolist() in ([0], [255]))
    if not plain:
        refuse(f'its values are {values[:8].tolist()}{" and more" if len(values) > 8 else ""}')
    return mask > 127


@cache
def say_hidden(path: str, valid_value: int) -> None:
    """Log once that a mask hides a whole image."""
    print_log(
        f'{path} hides all of its image: is self_occlusion valid={valid_value} right for it?',
        'current',
        logging.WARNING,
    )


def all_visible(size) -> np.ndarray:
    """(H, W) bool mask, True everywhere, that takes no memory: read-only."""
    return np.broadcast_to(True, size)


def resize_visible(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an (h, w) bool mask to the nearest pixels; that of :func:`all_visible` still takes no memory."""
    if mask.strides == (0, 0):
        return np.broadcast_to(mask[:1, :1], (height, width))
    mask = np.ascontiguousarray(mask).view(np.uint8)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST).view(bool)
