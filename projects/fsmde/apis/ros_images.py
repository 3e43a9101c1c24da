"""Images of ROS messages as (H, W, 3) uint8 BGR."""

import cv2
import numpy as np

from fsmde.image_files import image_of_bytes

#: sensor_msgs/image_encodings.hpp: channels, and OpenCV's conversion to BGR. OpenCV calls patterns by these names, too,
#: since 4.5.1; its older names, such as BayerBG for RGGB, begin at the second pixel of the second row.
ENCODINGS = {
    'bgr8': (3, None),
    '8UC3': (3, None),
    'rgb8': (3, cv2.COLOR_RGB2BGR),
    'bgra8': (4, cv2.COLOR_BGRA2BGR),
    'rgba8': (4, cv2.COLOR_RGBA2BGR),
    'mono8': (1, cv2.COLOR_GRAY2BGR),
    '8UC1': (1, cv2.COLOR_GRAY2BGR),
    'bayer_rggb8': (1, cv2.COLOR_BayerRGGB2BGR),
    'bayer_bggr8': (1, cv2.COLOR_BayerBGGR2BGR),
    'bayer_gbrg8': (1, cv2.COLOR_BayerGBRG2BGR),
    'bayer_grbg8': (1, cv2.COLOR_BayerGRBG2BGR),
    'uyvy': (2, cv2.COLOR_YUV2BGR_UYVY),
    'yuv422': (2, cv2.COLOR_YUV2BGR_UYVY),
    'yuyv': (2, cv2.COLOR_YUV2BGR_YUY2),
    'yuv422_yuy2': (2, cv2.COLOR_YUV2BGR_YUY2),
}
#: Depth is published as images, too (REP 118).
DEPTH = ('16UC1', '32FC1', '64FC1', 'mono16')


def encoding_of(message) -> str:
    """The encoding of the pixels of an Image or CompressedImage, empty where a compressed one does not state it."""
    if hasattr(message, 'encoding'):
        return message.encoding
    # image_transport writes '<encoding of the original>; <codec> compressed ...', others the codec alone.
    first, _, rest = message.format.partition(';')
    return first.strip() if rest else ''


def image_of(message, where: str) -> np.ndarray:
    """Decode a message.

    Args:
        message: sensor_msgs/Image or CompressedImage as rosbags has it.
        where: Recording, topic and time for errors.

    Raises:
        ValueError: If its encoding is not known, or its data are of another size than it states, cut or no image.
    """
    if not hasattr(message, 'encoding'):
        content = message.data.tobytes()
        if 'compressedDepth' in message.format or encoding_of(message) in DEPTH:
            raise ValueError(f'{where}: {message.format!r} is depth, expected the images of a camera')
        image = image_of_bytes(content, where)
        if not _is_mosaic(message.format) or (image != image[..., :1]).any():
            return image
        return cv2.cvtColor(image[..., 0], _known(encoding_of(message), where)[1])
    channels, conversion = _known(message.encoding, where)
    height, width, step = message.height, message.width, message.step
    if (
        not (0 < height <= 16384 and 0 < width <= 16384 and step >= width * channels)
        or len(message.data) != step * height
        or (channels == 2 and width % 2)  # Two pixels share their colour.
    ):
        raise ValueError(
            f'{where}: {len(message.data)} bytes for {width}x{height} {message.encoding} in rows of {step} bytes, expected '
            f'{height} rows of at least {width * channels}' + (' and an even width' if channels == 2 else '')
        )
    # Rows may be longer than their pixels.
    image = np.ascontiguousarray(message.data.reshape(height, step)[:, : width * channels])
    image = image.reshape(height, width, channels) if channels > 1 else image
    return image if conversion is None else cv2.cvtColor(image, conversion)


def _known(encoding, where):
    if encoding not in ENCODINGS:
        raise ValueError(f'{where}: encoding {encoding!r} is not supported; there are {sorted(ENCODINGS)}')
    return ENCODINGS[encoding]


def _is_mosaic(stated):
    """Whether image_transport compressed a sensor's mosaic as it is: it then names no encoding behind the codec. What has
    colours was demosaiced all the same.
    """
    before, _, behind = stated.partition(';')
    return before.startswith('bayer_') and not behind.strip().endswith(('mono8', 'bgr8', 'rgb8'))
