"""What all our pictures are made of: text, colour bars, and points painted nearest last."""

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .color_scale import ColorScale

BACKGROUND = (24, 24, 28)
FOREGROUND = (225, 225, 225)


@lru_cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings along, at a size in pixels."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / 'fonts/ttf/DejaVuSans.ttf'), size)


def draw_text(canvas: Image.Image, xy, text: str, size: int = 15, anchor: str = 'mm', color=FOREGROUND):
    """Write text onto a canvas, in place.

    Args:
        xy: Column and row in pixels of the text's anchor.
        anchor: As in Pillow: ``'mm'`` is the middle, ``'lm'`` the left end.
    """
    ImageDraw.Draw(canvas).text(xy, text, fill=color, font=load_font(size), anchor=anchor)


def draw_vertical_text(canvas: Image.Image, xy, text: str, room: int, size: int = 15):
    """Write text that reads from bottom to top, centred on ``xy``, in place; smaller if it is longer than ``room``."""
    while size > 6 and load_font(size).getlength(text) > room:
        size -= 1
    length = int(load_font(size).getlength(text)) + 4
    label = Image.new('RGB', (length, size + 8), BACKGROUND)
    draw_text(label, (length / 2, size / 2 + 4), text, size)
    label = label.rotate(90, expand=True)
    canvas.paste(label, (int(xy[0] - label.width / 2), int(xy[1] - label.height / 2)))


def draw_bar(canvas: Image.Image, scale: ColorScale, box, size: int = 13):
    """Draw a colour bar with its ticks to the right, ``high`` at the top, in place.

    Args:
        box: Left, top, right and bottom of the bar in pixels.
    """
    left, top, right, bottom = box
    bar = colors_of_bar(scale, bottom - top)
    canvas.paste(Image.fromarray(np.repeat(bar[:, None], right - left, 1)), (left, top))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((left - 1, top - 1, right, bottom), outline=FOREGROUND)
    for value, label in scale.ticks:
        row = bottom - 1 - float(scale.position(value)) * (bottom - top - 1)
        draw.line((right, row, right + 5, row), fill=FOREGROUND)
        draw_text(canvas, (right + 9, row), label, size, 'lm')


def colors_of_bar(scale: ColorScale, length: int) -> np.ndarray:
    """(length, 3) uint8 colours of a scale from ``high`` down to ``low``, evenly spaced in colour."""
    position = np.linspace(1, 0, length)
    return matplotlib.colormaps[scale.cmap](position, bytes=True)[:, :3]


def splat_points(image: np.ndarray, u, v, order, colors, radius: int = 1) -> np.ndarray:
    """Paint points as discs, in place, so that of overlapping points the one of lowest ``order`` is seen.

    Args:
        image: (h, w, 3) uint8.
        u, v: (P,) integer column and row; points outside the image are left out.
        order: (P,) what decides between points, for instance the depth in metres.
        colors: (P, 3) uint8.
        radius: Radius of a disc in pixels, 0 for single pixels.

    Returns:
        The image.
    """
    height, width = image.shape[:2]
    u, v, order, colors = map(np.asarray, (u, v, order, colors))
    inside = np.flatnonzero((u >= 0) & (v >= 0) & (u < width) & (v < height))
    # numpy keeps the last of several writes to one pixel: far points first. One point a pixel is left for the discs.
    far_first = inside[np.argsort(-order[inside], kind='stable')]
    seen = np.full((height, width), -1)
    seen[v[far_first], u[far_first]] = far_first
    seen = seen[seen >= 0]
    seen = seen[np.argsort(-order[seen], kind='stable')]
    reach = np.arange(-radius, radius + 1)
    dv, du = np.meshgrid(reach, reach, indexing='ij')
    disc = dv**2 + du**2 <= radius**2 + radius
    # A border takes what a disc paints outside the image.
    bordered = np.pad(image, ((radius, radius), (radius, radius), (0, 0)))
    rows, columns = v[seen, None] + dv[disc] + radius, u[seen, None] + du[disc] + radius
    bordered[rows, columns] = colors[seen, None]
    image[:] = bordered[radius : radius + height, radius : radius + width]
    return image
