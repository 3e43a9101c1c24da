"""What stands beside a road: trees, poles, signs, people, fences; each centred on the origin, on z = 0."""

import numpy as np

from .materials import Material
from .shapes import blob, box, cylinder
from .soup import merge, pose_of, quads

METAL = dict(material=Material.PLAIN, colour=(0.22, 0.23, 0.24))
BARK = dict(material=Material.PLAIN, colour=(0.11, 0.08, 0.055))


def _leaves(rng, centre, radii, count, size, **look):
    """Quads scattered in the shell of an ellipsoid, shaded as if the crown were round."""
    direction = rng.standard_normal((count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    centres = centre + direction * radii * rng.uniform(0.65, 1.08, (count, 1))
    a, b = rng.standard_normal((2, count, 3))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b -= (a * b).sum(1, keepdims=True) * a
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    half = size * rng.uniform(0.6, 1.3, (count, 1)) / 2
    soup = quads(np.stack([centres - half * a, centres - half * b, centres + half * a, centres + half * b], 1), **look)
    soup.normals = soup.corners - (centre - [0, 0, 0.3 * np.asarray(radii)[2]])
    soup.normals /= np.maximum(np.linalg.norm(soup.normals, axis=2, keepdims=True), 1e-9)
    soup.uv = soup.uv + rng.uniform(0, 10, (count, 1, 2)).repeat(2, 0)
    return soup


def tree(rng, palette, height):
    """A broad-leaved or a conifer tree, ``height`` in metres."""
    leaf = dict(material=Material.LEAF, colour=palette.leaf(rng), accent=palette.leaf(rng) * 0.45)
    if rng.random() < 0.22:
        parts = [cylinder(0.022 * height, 0.5 * height, 6, **BARK)]
        for level in np.linspace(0.15, 0.85, 5):
            radius = 0.24 * height * (1.05 - level)
            parts.append(cylinder(radius, 0.3 * height, 9, 0.02, (0, 0, level * height * 0.85), **leaf))
            parts.append(
                _leaves(
                    rng,
                    np.array([0, 0, level * height * 0.9]),
                    (radius, radius, 0.08 * height),
                    16,
                    0.14 * height * (1.1 - level),
                    **leaf,
                )
            )
        return merge(parts)
    trunk = rng.uniform(0.28, 0.42) * height
    parts = [cylinder(0.028 * height, trunk + 0.2 * height, 7, 0.014 * height, **BARK)]
    for _ in range(rng.integers(3, 6)):
        radii = height * rng.uniform(0.13, 0.24) * np.array([1, 1, rng.uniform(0.7, 1.0)])
        centre = np.array([*rng.normal(0, 0.12 * height, 2), rng.uniform(trunk + 0.12 * height, 0.84 * height)])
        parts.append(blob(radii * 0.86, centre, rng, 0.12, **leaf))
        parts.append(_leaves(rng, centre, radii, 60, 0.075 * height + 0.1, **leaf))
    return merge(parts)


def bush(rng, palette, size):
    """A bush, ``size`` metres across."""
    leaf = dict(material=Material.LEAF, colour=palette.leaf(rng), accent=palette.leaf(rng) * 0.45)
    centre, radii = np.array([0, 0, 0.35 * size]), size * np.array([0.5, 0.5, 0.42])
    return merge([blob(radii * 0.85, centre, rng, 0.15, **leaf), _leaves(rng, centre, radii, 50, 0.16 * size, **leaf)])


def lamp(height, arm):
    """A street lamp whose arm reaches ``arm`` metres to +y."""
    return merge(
        [
            cylinder(0.09, height, 7, 0.05, **METAL),
            box(0.08, arm, 0.08, (0, arm / 2, height), **METAL),
            box(0.3, 0.7, 0.12, (0, arm, height - 0.06), material=Material.PLAIN, colour=(0.6, 0.6, 0.55)),
        ]
    )


def utility_pole(height):
    """A wooden pole with a cross bar."""
    return merge([cylinder(0.14, height, 7, 0.1, **BARK), box(0.12, 2.0, 0.12, (0, 0, height * 0.92), **BARK)])


def traffic_light(height, arm):
    """A traffic light with an arm of ``arm`` metres to +y, facing -x."""
    head = dict(material=Material.PLAIN, colour=(0.03, 0.03, 0.03))
    parts = [cylinder(0.08, height, 7, **METAL), box(0.09, arm, 0.09, (0, arm / 2, height - 0.1), **METAL)]
    lamps = ((0.75, (0.9, 0.05, 0.03)), (0.45, (0.12, 0.09, 0.01)), (0.15, (0.02, 0.1, 0.05)))
    for y, z in ((arm, height - 0.7), (0.0, 2.2)):
        parts.append(box(0.25, 0.32, 0.95, (0, y, z), **head))
        for up, colour in lamps:
            parts.append(box(0.02, 0.2, 0.2, (-0.13, y, z + up - 0.1), material=Material.PLAIN, colour=colour))
    return merge(parts)


def sign(rng, palette, big=False):
    """A traffic sign on a post, or a big board on two, facing -x."""
    width, height, low = (
        (rng.uniform(2.5, 4.5), rng.uniform(1.5, 2.4), 4.2)
        if big
        else (rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.9), 2.0)
    )
    face = dict(
        material=Material.SIGN,
        colour=palette.sign(rng),
        accent=(0.8, 0.8, 0.78),
        params=(width, height, rng.integers(1000), 0),
    )
    plate = quads(
        [
            [
                [-0.08, width / 2, low],
                [-0.08, -width / 2, low],
                [-0.08, -width / 2, low + height],
                [-0.08, width / 2, low + height],
            ]
        ],
        **face,
    )
    back = box(0.05, width, height, (-0.05, 0, low), **METAL)
    posts = (0.4 * width, -0.4 * width) if big else (0.0,)
    return merge(
        [plate, back, *(cylinder(0.1 if big else 0.035, low + height, 6, base=(0, y, 0), **METAL) for y in posts)]
    )


def person(rng, palette):
    """A walking person, facing +x."""
    coat, trousers = palette.cloth(rng), palette.cloth(rng) * 0.6
    scale, stride = rng.uniform(0.88, 1.08), rng.uniform(0.08, 0.3)
    skin = dict(material=Material.PLAIN, colour=np.array([0.55, 0.38, 0.28]) * rng.uniform(0.4, 1.15))
    cloth = dict(material=Material.PLAIN, colour=coat)
    parts = [
        blob((0.15, 0.23, 0.36), (0, 0, 1.16), rng, **cloth),
        blob((0.1, 0.09, 0.13), (0.02, 0, 1.62), rng, **skin),
        blob((0.11, 0.1, 0.1), (-0.01, 0, 1.69), rng, material=Material.PLAIN, colour=palette.cloth(rng) * 0.3),
    ]
    for side in (1, -1):
        leg = cylinder(0.06, 0.9, 6, 0.095, **dict(material=Material.PLAIN, colour=trousers))
        leg.corners = leg.corners + np.array([1, 0, 0]) * (side * stride * (1 - leg.corners[..., 2:] / 0.9))
        parts.append(leg.placed(pose_of(0, 0.1 * side, 0)))
        arm = cylinder(0.04, 0.6, 5, 0.06, base=(0, 0, 0.8), **cloth)
        arm.corners = arm.corners - np.array([1, 0, 0]) * (side * stride * (1.4 - arm.corners[..., 2:]))
        parts.append(arm.placed(pose_of(0, 0.28 * side, 0)))
    soup = merge(parts)
    soup.corners = soup.corners * scale
    return soup


def fence_panels(points, height, solid, **look):
    """A fence along ground points (k, 3): a wall, or posts and rails."""
    points = np.asarray(points)
    a, b = points[:-1], points[1:]
    up = np.array([0, 0, height])
    if solid:
        sink = np.array([0, 0, 0.4])
        return quads(np.stack([a - sink, b - sink, b + up, a + up], 1), **look)
    rails = [
        quads(np.stack([a + up * z, b + up * z, b + up * (z + 0.1), a + up * (z + 0.1)], 1), **look)
        for z in (0.25, 0.55, 0.9)
    ]
    return merge(rails + [box(0.1, 0.1, height, p, **look) for p in points])
