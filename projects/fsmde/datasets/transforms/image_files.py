"""Reading image files and masks, whole or at a fraction of their size."""

import io

import cv2
import numpy as np
from PIL import Image

try:
    # Makes the same images of PNGs as OpenCV, in 40 % of the time.
    from kornia_rs.io import decode_image_png_u8 as decode_png
except ImportError:
    decode_png = None

# The last bytes of a complete file. OpenCV fills what is missing of a cut image with grey and says nothing.
JPEG = b'\xff\xd8'
IMAGE_ENDS = {JPEG: b'\xff\xd9', b'\x89P': b'IEND\xaeB`\x82'}
# A PNG's first bytes; depth, colour type, compression, filter and interlace of its header for plain 8-bit RGB.
PNG, RGB_8 = b'\x89PNG\r\n\x1a\n', bytes([8, 2, 0, 0, 0])
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


def load_image(path: str, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Decode an image, by default to (H, W, 3) uint8 BGR.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is empty, cut or no image.
    """
    return decode_image(read_image_file(path), path, flags)


def load_reduced_image(path: str, least: tuple) -> tuple:
    """Decode an image, a JPEG at 1/2, 1/4 or 1/8 of its size if that is enough: its decoder then does less.

    Args:
        least: (height, width) under which the result must not be, unless the image is.

    Returns:
        The (H, W, 3) uint8 BGR image, by what its size was divided (1 for all but JPEG), and (H0, W0) of the original.
        Pixel i covers [i, i + 1) times that factor.

    Raises:
        FileNotFoundError, ValueError: As :func:`load_image`.
    """
    content = read_image_file(path)
    if content[:2] != JPEG:
        image = decode_image(content, path, cv2.IMREAD_COLOR)
        return image, 1, image.shape[:2]
    with Image.open(io.BytesIO(content)) as header:
        width, height = header.size
    factor = next((f for f in REDUCED if height >= f * least[0] and width >= f * least[1]), 1)
    return decode_image(content, path, REDUCED.get(factor, cv2.IMREAD_COLOR)), factor, (height, width)


def read_image_file(path: str) -> bytes:
    """Content of an image file that is complete."""
    with open(path, 'rb') as file:
        content = file.read()
    end = IMAGE_ENDS.get(content[:2])
    if end is not None and end not in content[-64:]:
        raise ValueError(f'{path} is cut: {len(content)} bytes without an end marker')
    return content


def decode_image(content: bytes, path: str, flags: int) -> np.ndarray:
    """Decode the content of an image file."""
    if decode_png is not None and flags == cv2.IMREAD_COLOR and content[:8] == PNG and content[24:29] == RGB_8:
        size = int.from_bytes(content[20:24], 'big'), int.from_bytes(content[16:20], 'big')
        try:
            return cv2.cvtColor(decode_png(content, size, 'rgb'), cv2.COLOR_RGB2BGR)
        except Exception as error:  # kornia-rs has no class of its own for them.
            raise ValueError(f'{path} is no image that kornia-rs can decode: {error}') from error
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    if image is None:
        raise ValueError(f'{path} is no image that OpenCV can decode ({len(content)} bytes)')
    return image


def load_visible(path: str, valid_value: int, size) -> np.ndarray:
    """Read a self-occlusion mask as (H, W) bool, True where the world is seen.

    Raises:
        ValueError: If its size is not the image's (height, width) ``size``.
    """
    mask = load_image(path, cv2.IMREAD_GRAYSCALE)
    if mask.shape != tuple(size):
        raise ValueError(f'{path}: the mask is {mask.shape}, its image {tuple(size)} (height, width)')
    return (mask > 127) == (valid_value == 255)


def all_visible(size) -> np.ndarray:
    """(H, W) bool mask, True everywhere, that takes no memory: read-only."""
    return np.broadcast_to(True, size)


def resize_visible(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an (h, w) bool mask to the nearest pixels; that of :func:`all_visible` still takes no memory."""
    if mask.strides == (0, 0):
        return np.broadcast_to(mask[:1, :1], (height, width))
    mask = np.ascontiguousarray(mask).view(np.uint8)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST).view(bool)
