"""Buildings: boxes with facades, ledges, balconies, parapets or pitched roofs; the front faces -y on the x axis."""

import numpy as np

from .materials import Material
from .shapes import box
from .soup import make_soup, merge, quads


def building(rng, palette, width, depth, storeys):
    """A building whose front wall runs along x at y = 0, standing on z = 0 with walls sunk into the ground.

    Args:
        rng: source of its details.
        palette: colours, see ``looks``.
        width, depth: metres along and away from the street.
        storeys: number of floors.

    Returns:
        Soup: centred on x.
    """
    storey = rng.uniform(2.8, 3.6)
    height = storeys * storey + rng.uniform(0.3, 0.9)
    pitch = rng.uniform(1.9, 3.8)
    wall = dict(
        material=Material.FACADE,
        colour=palette.wall(rng),
        accent=palette.trim(rng),
        params=(pitch, storey, rng.uniform(0.32, 0.66), rng.integers(0, 60)),
    )
    sunk = 4.0
    body = box(width, depth, height + sunk, (0, depth / 2, -sunk), **wall)
    body.uv = body.uv - np.array([0, sunk])
    trim = dict(material=Material.PLAIN, colour=palette.trim(rng))
    parts = [body]
    if storeys <= 3 and rng.random() < 0.75:
        parts.append(
            _gable(
                width + 0.7,
                depth + 0.7,
                height,
                rng.uniform(0.25, 0.5),
                depth / 2,
                wall,
                dict(material=Material.ROOF, colour=palette.roof(rng)),
            )
        )
        parts.append(box(0.6, 0.6, 1.4, (0.25 * width, 0.5 * depth, height + 0.8), **trim))
    else:
        parts.append(box(width + 0.5, depth + 0.5, 0.35, (0, depth / 2, height), **trim))
        parts.append(box(width * 0.4, depth * 0.4, 1.8, (0, depth / 2, height), **trim))
    if storeys > 1 and rng.random() < 0.6:
        parts.append(box(width + 0.24, 0.12, 0.25, (0, -0.06, storey - 0.1), **trim))
    if storeys > 2 and rng.random() < 0.45:
        columns = np.arange(-width / 2 + 1.5 * pitch, width / 2 - pitch / 2, pitch * rng.integers(2, 4))
        for floor in range(1, storeys):
            for x in columns:
                parts.append(box(pitch * 0.8, 1.0, 0.15, (x, -0.5, floor * storey + 0.1), **trim))
                parts.append(box(pitch * 0.8, 0.06, 0.9, (x, -0.98, floor * storey + 0.2), **trim))
    if storeys > 1 and rng.random() < 0.35:
        awning = dict(material=Material.PLAIN, colour=palette.sign(rng))
        reach, top = rng.uniform(0.9, 1.8), storey * 0.92
        x = rng.uniform(0.2, 0.42) * width
        parts.append(quads([[[-x, -reach, top - 0.5], [x, -reach, top - 0.5], [x, 0, top], [-x, 0, top]]], **awning))
    if rng.random() < 0.5:
        door = dict(material=Material.PLAIN, colour=palette.sign(rng) * 0.5)
        parts.append(box(1.1, 0.1, 2.2, (rng.uniform(-0.3, 0.3) * width, -0.03, 0.05), **door))
    return merge(parts)


def _gable(width, depth, height, slope, middle, wall, roof):
    """Pitched roof with its ridge along x."""
    x, half = width / 2, depth / 2
    top = height + slope * depth
    eaves = [np.array([[s * x, middle + y, height - 0.05] for s in (-1, 1)]) for y in (-half, half)]
    ridge = np.array([[-x, middle, top], [x, middle, top]])
    front = [eaves[0][0], eaves[0][1], ridge[1], ridge[0]]
    back = [eaves[1][1], eaves[1][0], ridge[0], ridge[1]]
    ends = [[eaves[0][1], eaves[1][1], ridge[1]], [eaves[1][0], eaves[0][0], ridge[0]]]
    plain = dict(wall, material=Material.PLAIN)
    return merge([quads([front, back], **roof), make_soup(np.array(ends), **plain)])
