"""A frame's point cloud from above: forward is up, left is left."""

import numpy as np
from PIL import Image, ImageDraw

from .color_scale import height_scale
from .drawing import BACKGROUND, FOREGROUND, draw_bar, draw_text, splat_points

RING_COLOR = (128, 128, 140)
LIDAR_COLOR = (255, 64, 255)
HEIGHTS = (-2.0, 4.0)


def metres_to_pixels(points, extent: float, size: int) -> np.ndarray:
    """(P, 2) integer column and row of (P, >=2) ego points in a picture of ``size`` pixels.

    The ego origin is the picture's centre; the edges are ``extent`` metres away from it.
    """
    points = np.asarray(points)
    scale = size / (2 * extent)
    return np.floor(np.stack([size / 2 - points[:, 1] * scale, size / 2 - points[:, 0] * scale], 1)).astype(int)


def draw_birds_eye(
    points, colors=None, lidar_points=None, extent: float = 50.0, size: int = 900, heights: tuple = HEIGHTS
) -> np.ndarray:
    """Draw a point cloud from above with the car, range rings in metres and, if given, LiDAR over it.

    Args:
        points: (P, 3) in the ego frame, metres. Of points in one place the highest is seen.
        colors: (P, 3) uint8 RGB; by default colours of the heights, with a colour bar.
        lidar_points: (L, 3) in the ego frame to compare with, or None.
        extent: Metres from the car to the picture's edges.
        size: Side of the picture in pixels.
        heights: Points below the first or above the second height in metres over the ego origin are left out: what
            hangs over the street would hide it.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    points = np.asarray(points)
    scale = height_scale(*heights)
    picture = np.full((size, size, 3), BACKGROUND, dtype=np.uint8)
    shown = (points[:, 2] >= heights[0]) & (points[:, 2] <= heights[1])
    painted = scale(points[:, 2]) if colors is None else np.asarray(colors)
    column, row = metres_to_pixels(points[shown], extent, size).T
    splat_points(picture, column, row, -points[shown, 2], painted[shown])
    if lidar_points is not None:
        lidar_points = np.asarray(lidar_points)
        lidar_points = lidar_points[(lidar_points[:, 2] >= heights[0]) & (lidar_points[:, 2] <= heights[1])]
        column, row = metres_to_pixels(lidar_points, extent, size).T
        splat_points(picture, column, row, np.zeros(len(row)), np.tile(np.uint8(LIDAR_COLOR), (len(row), 1)), 0)
    canvas = Image.fromarray(picture)
    _draw_rings(canvas, extent, size)
    _draw_car(canvas, extent, size)
    if colors is None:
        draw_bar(canvas, scale, (16, size - 156, 30, size - 16))
    if lidar_points is not None:
        draw_text(canvas, (size - 12, size - 16), 'LiDAR', anchor='rm', color=LIDAR_COLOR)
    return np.asarray(canvas)


def ring_distances(extent: float) -> list:
    """Radii in metres of the range rings of a picture: a round step that gives four to nine rings."""
    step = next((step for step in (1, 2, 5, 10, 20, 50, 100) if extent / step < 10), 200)
    return [step * i for i in range(1, int(extent / step) + 1)]


def _draw_rings(canvas: Image.Image, extent: float, size: int):
    draw = ImageDraw.Draw(canvas)
    for distance in ring_distances(extent):
        radius = distance * size / (2 * extent)
        draw.ellipse((size / 2 - radius, size / 2 - radius, size / 2 + radius, size / 2 + radius), outline=RING_COLOR)
        # On the diagonal, away from what is straight ahead.
        x, y = size / 2 + radius * np.sqrt(0.5), size / 2 - radius * np.sqrt(0.5)
        draw.rectangle((x - 17, y - 8, x + 17, y + 8), fill=BACKGROUND)
        draw_text(canvas, (x, y), f'{distance} m', 12)


def _draw_car(canvas: Image.Image, extent: float, size: int):
    # The rig does not say how large the car is: an arrow that points forward, its middle at the ego origin.
    length = max(7.0, 2.4 * size / (2 * extent))
    middle = size / 2
    arrow = [(0, -length), (0.6 * length, length), (0, 0.55 * length), (-0.6 * length, length)]
    ImageDraw.Draw(canvas).polygon([(middle + x, middle + y) for x, y in arrow], fill=FOREGROUND, outline=BACKGROUND)
