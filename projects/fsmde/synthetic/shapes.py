"""Primitive solids as triangle soups, in metres, z up."""

import numpy as np

from .soup import make_soup, merge, quads

_BOX = np.array(
    [
        [[-1, -1, 0], [1, -1, 0], [1, -1, 1], [-1, -1, 1]],
        [[1, -1, 0], [1, 1, 0], [1, 1, 1], [1, -1, 1]],
        [[1, 1, 0], [-1, 1, 0], [-1, 1, 1], [1, 1, 1]],
        [[-1, 1, 0], [-1, -1, 0], [-1, -1, 1], [-1, 1, 1]],
        [[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]],
    ]
)


def box(length, width, height, centre=(0, 0, 0), **look):
    """Box without a floor: ``length`` along x, ``width`` along y, standing on ``centre``."""
    return quads(_BOX * [length / 2, width / 2, height] + np.asarray(centre), **look)


def loft(rings, cap=True, **look):
    """Surface through rings (r, k, 3), each counter-clockwise seen from its outside end (the last ring's side).

    Side quads come first, ring pair by ring pair and side by side, then the caps.
    """
    rings = np.asarray(rings, np.float64)
    a, b = rings[:-1], rings[1:]
    sides = np.stack([a, np.roll(a, -1, 1), np.roll(b, -1, 1), b], 2).reshape(-1, 4, 3)
    if not cap:
        return quads(sides, **look)
    ends = merge([_fan(rings[0, ::-1], look), _fan(rings[-1], look)])
    return merge([quads(sides, **look), ends])


def _fan(ring, look):
    corners = np.stack([np.repeat(ring[:1], len(ring) - 2, 0), ring[1:-1], ring[2:]], 1)
    return make_soup(corners, **look)


def circle(radius, sides):
    """Points (sides, 2) on a circle, counter-clockwise."""
    angle = np.arange(sides) * 2 * np.pi / sides
    return radius * np.stack([np.cos(angle), np.sin(angle)], 1)


def cylinder(radius, height, sides=8, top_radius=None, base=(0, 0, 0), **look):
    """Upright cylinder or cone frustum standing on ``base``."""
    top = radius if top_radius is None else top_radius
    rings = [np.column_stack([circle(r, sides), np.full(sides, z)]) for r, z in ((radius, 0), (top, height))]
    return loft(np.asarray(rings) + np.asarray(base), **look)


def disc(radius, width, centre, sides=12, **look):
    """Wheel: a cylinder whose axis is y, ``width`` thick, around ``centre``."""
    points = circle(radius, sides)
    rings = [np.column_stack([points[:, 0], np.full(sides, y), -points[:, 1]]) for y in (-width / 2, width / 2)]
    return loft(np.asarray(rings) + np.asarray(centre), **look)


def blob(radii, centre, rng, roughness=0.0, rows=5, columns=8, **look):
    """Ellipsoid with smooth normals, its surface shaken by ``roughness`` (a fraction of the radius)."""
    tilt = np.linspace(-np.pi / 2, np.pi / 2, rows + 1)
    turn = np.arange(columns) * 2 * np.pi / columns
    unit = np.stack(
        [
            np.cos(tilt)[:, None] * np.cos(turn),
            np.cos(tilt)[:, None] * np.sin(turn),
            np.repeat(np.sin(tilt)[:, None], columns, 1),
        ],
        -1,
    )
    swell = 1 + roughness * rng.uniform(-1, 1, (rows + 1, columns, 1))
    swell[[0, -1]] = 1
    soup = loft(unit * swell * radii + np.asarray(centre), cap=False, **look)
    soup.normals = (soup.corners - centre) / np.asarray(radii)
    soup.normals /= np.maximum(np.linalg.norm(soup.normals, axis=2, keepdims=True), 1e-9)
    return soup
