"""Reading image files, whole or at a fraction of their size: what is damaged is refused, nothing is turned.

The answers do not depend on which library decodes: sizes, damage and EXIF are looked at here, before.
"""

import io
import re
import zlib

import cv2
import numpy as np
import simplejpeg
from PIL import ExifTags, Image

try:
    # Makes the same images of PNGs as OpenCV, in 40 % of the time.
    from kornia_rs.io import decode_image_png_u8 as decode_png
except ImportError:
    decode_png = None

#: Pixels that an image may have: a file of a few kB can claim billions. Cars' cameras have 1 to 12 million.
MAX_PIXELS = 64_000_000
JPEG = b'\xff\xd8'
# A PNG's first bytes; depth, colour type, compression, filter and interlace of its header for plain 8-bit RGB.
PNG, RGB_8 = b'\x89PNG\r\n\x1a\n', bytes([8, 2, 0, 0, 0])
# Zero bytes that some hardware encoders put between the last pixel and the end marker, and libjpeg warns of.
PADDING = re.compile(r'Corrupt JPEG data: (\d{1,2}) extraneous bytes before marker 0xd9')


def load_image(path: str, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Decode an image.

    Args:
        flags: ``cv2.IMREAD_COLOR``: (H, W, 3) uint8 BGR; ``cv2.IMREAD_UNCHANGED``: with the channels and the type that
            the file has, unless it is a JPEG.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is empty, cut, damaged or no image, has more than ``MAX_PIXELS``, or EXIF turns it; of colour
            also if its channels have more than 8 bits.
    """
    content, size = read_image_file(path)
    return decode_image(content, path, flags, size)


def image_of_bytes(content: bytes, path: str) -> np.ndarray:
    """(H, W, 3) uint8 BGR of an image file's content.

    Args:
        path: Where it is from, for errors.

    Raises:
        ValueError: As :func:`load_image`.
    """
    return decode_image(content, path, cv2.IMREAD_COLOR, checked_size(content, path))


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
    content, size = read_image_file(path)
    factor = 1
    if content[:2] == JPEG:
        factor = next((f for f in (8, 4, 2) if size[0] >= f * least[0] and size[1] >= f * least[1]), 1)
    return decode_image(content, path, cv2.IMREAD_COLOR, size, factor), factor, size


def image_size(path: str) -> tuple:
    """(height, width) that :func:`load_image` would return, without decoding.

    Raises:
        FileNotFoundError, ValueError: As :func:`load_image`, but for what only a decoder sees.
    """
    return read_image_file(path)[1]


def read_image_file(path: str) -> tuple:
    """Content of an image file and its (height, width) in the order in which pixels are stored."""
    with open(path, 'rb') as file:
        content = file.read()
    return content, checked_size(content, path)


def checked_size(content: bytes, path: str) -> tuple:
    """(height, width) of an image file's content in the order in which pixels are stored."""
    size, orientation = png_header(content, path) if content[:8] == PNG else other_header(content, path)
    if size[0] * size[1] > MAX_PIXELS:
        raise ValueError(f'{path} claims {size[0]} x {size[1]} pixels, at most {MAX_PIXELS} are read')
    # OpenCV turns such images, Pillow, COLMAP and others do not: which of them the calibration was made with, nobody
    # can tell, and half a turn keeps even the size.
    if orientation > 1:
        raise ValueError(
            f'{path}: EXIF orientation is {orientation}, so programs differ in which way its pixels lie, and its '
            'calibration may belong to either; store the pixels in the order it belongs to, and orientation 1 or none'
        )
    return size


def png_header(content: bytes, path: str) -> tuple:
    """(height, width) and EXIF orientation of a PNG whose chunks are complete and have the checksums they state."""
    at, kind, orientation = len(PNG), None, 1
    while kind != b'IEND':
        length, kind = int.from_bytes(content[at : at + 4], 'big'), content[at + 4 : at + 8]
        end = at + 8 + length
        if len(content) < end + 4:
            raise ValueError(f'{path} is cut or damaged: {len(content)} bytes without an end marker')
        if at == len(PNG) and (kind, length) != (b'IHDR', 13):
            raise ValueError(f'{path} is damaged: a PNG begins with its header, found {kind!r}')
        if zlib.crc32(memoryview(content)[at + 4 : end]) != int.from_bytes(content[end : end + 4], 'big'):
            raise ValueError(f'{path} is damaged: the checksum of {kind.decode("latin1")} at byte {at} is wrong')
        if kind == b'eXIf':
            exif = Image.Exif()
            exif.load(b'Exif\0\0' + content[at + 8 : end])
            orientation = exif.get(ExifTags.Base.Orientation, 1)
        at = end + 4
    return (int.from_bytes(content[20:24], 'big'), int.from_bytes(content[16:20], 'big')), orientation


def other_header(content: bytes, path: str) -> tuple:
    """(height, width) and EXIF orientation of an image that is no PNG."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size[::-1], image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception as error:  # Pillow's formats raise OS, value, syntax, struct and their own errors.
        raise ValueError(f'{path} is no image: {len(content)} bytes of no format that Pillow knows') from error


def decode_image(content: bytes, path: str, flags: int, size: tuple, factor: int = 1) -> np.ndarray:
    """Decode the content of an image file of (height, width) ``size``, a JPEG at 1 / ``factor`` of it."""
    if content[:2] == JPEG:
        return decode_jpeg(content, path, -(-size[0] // factor), -(-size[1] // factor))
    if decode_png is not None and flags == cv2.IMREAD_COLOR and content[:8] == PNG and content[24:29] == RGB_8:
        try:
            return cv2.cvtColor(decode_png(content, size, 'rgb'), cv2.COLOR_RGB2BGR)
        except BaseException as error:  # It raises Exception itself, and where Rust panics what is no Exception.
            if isinstance(error, Exception) or type(error).__name__ == 'PanicException':
                raise ValueError(f'{path} is no image that kornia-rs can decode: {error}') from error
            raise
    if flags != cv2.IMREAD_UNCHANGED:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION | cv2.IMREAD_ANYDEPTH
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if image is None or image.shape[:2] != size:
        raise ValueError(f'{path} is no image that OpenCV can decode ({len(content)} bytes)')
    # OpenCV would cut it to the upper byte, in which a sensor's 10 or 12 bits are nearly black.
    if flags != cv2.IMREAD_UNCHANGED and image.dtype != np.uint8:
        raise ValueError(
            f'{path} has {image.dtype} values, expected 8 bits a channel: convert it, with the tone curve of the images '
            'that the model was trained on'
        )
    return image


def decode_jpeg(content: bytes, path: str, height: int, width: int) -> np.ndarray:
    """The BGR image at the least of libjpeg's sizes that is not under ``height`` and ``width``: that of OpenCV."""
    for strict in (True, False):
        try:
            return simplejpeg.decode_jpeg(content, 'BGR', min_height=height, min_width=width, strict=strict)
        except ValueError as error:  # libjpeg's own words, warnings among them.
            padding = PADDING.fullmatch(str(error))
            if (
                not strict
                or not padding
                or not content.endswith(bytes(int(padding[1])), 0, content.rfind(b'\xff\xd9'))
            ):
                raise ValueError(f'{path} is cut, damaged or of an unknown kind: {error}') from error
