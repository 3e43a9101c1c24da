"""Cars, vans, trucks and buses: x forward, standing on z = 0, centred on the origin."""

import numpy as np

from .materials import Material
from .shapes import box, disc, loft
from .soup import merge, pose_of

TYRE = dict(material=Material.PLAIN, colour=(0.03, 0.03, 0.035))
RIM = dict(material=Material.PAINT, colour=(0.45, 0.45, 0.47))
GLASS = dict(material=Material.GLASS, colour=(0.02, 0.025, 0.03))
HEAD = dict(material=Material.PAINT, colour=(0.85, 0.85, 0.8))
TAIL = dict(material=Material.PAINT, colour=(0.45, 0.02, 0.02))
DARK = dict(material=Material.PLAIN, colour=(0.05, 0.05, 0.05))

# Fractions of (length, height): the lower body's outline and the cabin's four posts, front to back.
_STYLES = {
    'saloon': dict(hood=0.58, tail=0.62, posts=(0.22, 0.05, -0.24, -0.38), size=(4.6, 1.8, 1.45)),
    'hatch': dict(hood=0.60, tail=0.60, posts=(0.27, 0.10, -0.38, -0.47), size=(4.1, 1.75, 1.5)),
    'suv': dict(hood=0.62, tail=0.62, posts=(0.24, 0.12, -0.42, -0.48), size=(4.7, 1.9, 1.75)),
    'van': dict(hood=0.55, tail=0.55, posts=(0.44, 0.30, -0.47, -0.49), size=(5.2, 1.95, 2.2)),
}


def car(style, colour, size=None):
    """A passenger car of a style in ``saloon, hatch, suv, van``; ``size`` is length, width and height in metres."""
    shape = _STYLES[style]
    length, width, height = size or shape['size']
    paint = dict(material=Material.PAINT, colour=colour)
    half, low, waist = width / 2, 0.16 * height + 0.02, shape['hood'] * height
    tail = shape['tail'] * height
    rings = []
    for x, w, bottom, top in (
        (-0.5, 0.82, low + 0.15, tail * 0.8),
        (-0.485, 0.93, low, tail * 0.95),
        (-0.4, 1.0, low, tail),
        (0.22, 1.0, low, waist + 0.02),
        (0.42, 0.98, low, waist * 0.9),
        (0.485, 0.88, low, waist * 0.78),
        (0.5, 0.74, low + 0.12, waist * 0.66),
    ):
        middle = bottom + 0.55 * (top - bottom)
        y = np.array([-0.93, 0.93, 1.0, 0.86, -0.86, -1.0]) * w * half
        z = np.array([bottom, bottom, middle, top, top, middle])
        rings.append(np.column_stack([np.full(6, x * length), y, z]))
    parts = [loft(rings, **paint), _cabin(shape['posts'], length, half, waist, tail, height, paint, style == 'van')]
    radius = 0.225 * min(height, 1.6)
    for x in (0.31 * length, -0.3 * length):
        for y in (half - 0.1, -half + 0.1):
            parts.append(disc(radius, 0.24, (x, y, radius), **TYRE))
            parts.append(disc(radius * 0.6, 0.25, (x, y, radius), sides=8, **RIM))
    for y in (0.52 * half, -0.52 * half):
        parts.append(box(0.1, 0.26, 0.12, (0.5 * length - 0.04, y, waist * 0.48), **HEAD))
        parts.append(box(0.1, 0.3, 0.15, (-0.5 * length + 0.04, y, tail * 0.6), **TAIL))
    parts.append(
        box(0.04, 0.5, 0.11, (-0.5 * length, 0, tail * 0.6), material=Material.PLAIN, colour=(0.7, 0.7, 0.65))
    )
    parts.append(box(0.1, 0.6, 0.12, (0.5 * length - 0.04, 0, waist * 0.48), **DARK))
    for y in (half + 0.08, -half - 0.08):
        parts.append(box(0.1, 0.18, 0.13, (0.17 * length, y, waist), **paint))
    return merge(parts)


def _cabin(posts, length, half, waist, tail, height, paint, blind):
    """Glass and roof over the waist line; ``blind`` closes the sides behind the doors."""
    x0, x1, x2, x3 = (p * length for p in posts)
    rings = []
    for x, base, top, w in (
        (x3, tail, tail + 0.02, 0.82),
        (x2, waist, height * 0.985, 0.72),
        (0.5 * (x1 + x2), waist, height, 0.72),
        (x1, waist, height * 0.99, 0.72),
        (x0, waist, waist + 0.02, 0.84),
    ):
        y, z = np.array([-0.88, 0.88, w, -w]) * half, np.array([base - 0.05, base - 0.05, top, top])
        rings.append(np.column_stack([np.full(4, x), y, z]))
    soups = []
    for i, (a, b) in enumerate(zip(rings[:-1], rings[1:])):
        roof = i in (1, 2)
        soup = loft([a, b], cap=False, **GLASS)
        colour, material = soup.colour.copy(), soup.material.copy()
        sides = slice(4, 6) if roof else slice(0, 0)
        colour[sides], material[sides] = paint['colour'], paint['material']
        if blind and i < 2:
            colour[:], material[:] = paint['colour'], paint['material']
        soup.colour, soup.material = colour, material
        soups.append(soup)
    return merge(soups)


def truck(colour, load, length, height):
    """A lorry with a box body, ``length`` and ``height`` in metres."""
    paint = dict(material=Material.PAINT, colour=colour)
    cab = length / 2 - 1.05
    parts = [
        box(2.0, 2.4, height * 0.72 - 0.5, (cab, 0, 0.5), **paint),
        box(0.06, 2.1, 0.9, (cab + 1.0, 0, height * 0.42), **GLASS),
        box(0.9, 2.44, 0.7, (cab + 0.2, 0, height * 0.43), **GLASS),
        box(0.1, 2.2, 0.5, (cab + 1.0, 0, 0.45), **DARK),
        box(length - 2.3, 2.5, height - 1.1, (-1.15, 0, 1.1), material=Material.PLAIN, colour=load),
        box(length - 0.6, 1.0, 0.3, (0, 0, 0.8), **DARK),
        box(0.06, 2.3, 0.2, (-length / 2, 0, 0.75), **TAIL),
    ]
    axles = [cab, -length / 2 + 1.2] + ([-length / 2 + 2.5] if length > 8 else [])
    parts += [disc(0.5, 0.35, (x, y, 0.5), **TYRE) for x in axles for y in (1.05, -1.05)]
    return merge(parts)


def bus(colour, length=11.5):
    """A city bus, ``length`` in metres."""
    paint = dict(material=Material.PAINT, colour=colour)
    parts = [
        box(length, 2.5, 2.75, (0, 0, 0.3), **paint),
        box(length - 0.6, 2.54, 1.0, (0, 0, 1.35), **GLASS),
        box(0.06, 2.3, 1.5, (length / 2, 0, 1.0), **GLASS),
        box(
            0.06,
            1.8,
            0.3,
            (length / 2 + 0.01, 0, 2.6),
            material=Material.SIGN,
            colour=(0.02, 0.02, 0.02),
            accent=(0.9, 0.6, 0.1),
            params=(1.8, 0.3, 5, 0),
        ),
        box(0.06, 2.2, 0.25, (-length / 2, 0, 0.8), **TAIL),
    ]
    parts += [disc(0.48, 0.35, (x, y, 0.48), **TYRE) for x in (0.3 * length, -0.28 * length) for y in (1.1, -1.1)]
    return merge(parts)


def random_vehicle(rng, palette, heavy=0.2):
    """A vehicle and its length in metres; trucks and buses with probability ``heavy``."""
    colour = palette.paint(rng)
    if rng.random() < heavy:
        if rng.random() < 0.3:
            return bus(colour), 11.5
        length = rng.uniform(6.0, 12.0)
        load = palette.paint(rng) * 0.5 + rng.uniform(0.1, 0.35)
        return truck(colour, load, length, rng.uniform(2.7, 3.9)), length
    style = rng.choice(['saloon', 'hatch', 'suv', 'van'], p=[0.3, 0.3, 0.28, 0.12])
    size = tuple(np.array(_STYLES[style]['size']) * rng.uniform(0.93, 1.07, 3))
    return car(style, colour, size), size[0]


def ego_car(colour):
    """The car that carries the rig, in its vehicle frame: origin on the ground under the rear axle."""
    body = car('saloon', colour, (4.9, 1.86, 1.46))
    rack = dict(material=Material.PLAIN, colour=(0.06, 0.06, 0.065))
    roof = [box(1.3, 1.0, 0.05, (-0.35, 0, 1.45), **rack), box(0.16, 0.16, 0.3, (-0.5, 0, 1.5), **rack)]
    return merge([body, *roof]).placed(pose_of(1.4, 0, 0))
