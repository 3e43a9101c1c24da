"""The ground: a bending, rising and banking road with what lies beside it."""

import numpy as np

from .materials import Material
from .noise import Waves
from .soup import face_normals, make_soup, merge

BEHIND, AHEAD = 190.0, 250.0  # metres of street before and after the car's path


class Road:
    """Ground in road coordinates: s metres along the middle of the road, t metres to its left.

    Args:
        rng: source of its shape.
        layout: see ``layouts.draw_layout``.
        travel: metres that the car will drive, from s = 0.
    """

    def __init__(self, rng, layout, travel):
        self.layout = layout
        self.start, self.end = -BEHIND, travel + AHEAD
        self.s = np.arange(self.start, self.end + 1.0, 1.0)
        bend = Waves(rng, 90, 400, 1.0, 3)(self.s)
        curvature = layout.bend * bend / max(np.abs(bend).max(), 1e-9)
        heading = np.cumsum(curvature) - np.interp(0, self.s, np.cumsum(curvature))
        self.heading = heading
        middle = np.stack([np.cumsum(np.cos(heading)), np.cumsum(np.sin(heading))], 1)
        self.middle = middle - middle[np.searchsorted(self.s, 0)]
        self.reach = min(110.0, 0.8 / max(np.abs(curvature).max(), 1e-6))
        self._grade = Waves(rng, 60, 320, layout.grade, 4)
        self._bumps = Waves(rng, 6, 24, layout.bumps, 5)
        self._tilt = Waves(rng, 8, 40, layout.bumps * 0.7, 4)
        self._bank = Waves(rng, 60, 250, 1.0, 3)
        self._bank_scale = layout.bank / 25.0
        self._hills = [Waves(rng, 40, 200, 1.0, 4) for _ in range(2)]
        self._rough = [Waves(rng, 3, 20, 0.035, 5) for _ in range(2)]

    def heading_at(self, s):
        """Heading of the road in radians about the vertical."""
        return np.interp(s, self.s, self.heading)

    def height(self, s, t):
        """Height of the ground in metres at road coordinates, arrays of one shape."""
        s, t = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(t, np.float64))
        layout, side = self.layout, (t < 0).astype(int)
        offset = np.abs(t)
        near = np.minimum(offset, layout.half_width + 12) * np.sign(t)
        z = self._grade(s) + self._bumps(s) + np.clip(self._bank_scale * self._bank(s), -0.07, 0.07) * near
        z = z + self._tilt(s) * np.clip(t, -8, 8) / 8
        pavement = layout.pavement[side]
        z = z + layout.kerb * np.clip((offset - layout.half_width) / 0.03, 0, 1)
        beyond = np.maximum(offset - layout.half_width - pavement - 1.0, 0)
        slope = layout.side_slope[side]
        z = z + slope * 14 * np.tanh(beyond / 14)
        rough = np.where(side == 0, self._rough[0](s + 0.7 * t), self._rough[1](s - 0.6 * t))
        z = z + rough * np.clip(beyond / 4, 0, 1)
        far = np.clip((offset - 35) / 60, 0, 1) ** 2
        hill = np.where(side == 0, self._hills[0](s), self._hills[1](s))
        return z + far * (14 + 0.35 * hill)

    def point(self, s, t):
        """Points (..., 3) in metres on the ground at road coordinates."""
        s, t = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(t, np.float64))
        heading = self.heading_at(s)
        x = np.interp(s, self.s, self.middle[:, 0]) - np.sin(heading) * t
        y = np.interp(s, self.s, self.middle[:, 1]) + np.cos(heading) * t
        return np.stack([x, y, self.height(s, t)], -1)

    def soup(self, palette):
        """The ground as triangles, coloured by ``palette`` (see ``looks``)."""
        layout = self.layout
        s = np.arange(self.start, self.end, 1.5)
        road_t = np.linspace(-layout.half_width, layout.half_width, 2 * int(np.ceil(layout.half_width / 1.6)) + 1)
        lanes = layout.lanes * layout.lane_width / 2
        if layout.kind == 'square':
            road = (Material.PAVING, palette.plot, (0, 0, 0), palette.slab * 1.6)
        else:
            road = (
                Material.ROAD,
                palette.road,
                palette.marks,
                (lanes, layout.lane_width, layout.dash, layout.crossing),
            )
        parts = [self._strip(s, road_t, *road)]
        for sign, pavement in ((1, layout.pavement[0]), (-1, layout.pavement[1])):
            inner = layout.half_width + 0.03
            kerb_t = np.array([layout.half_width, inner, inner + 0.15])
            parts.append(self._strip(s, sign * kerb_t, Material.PLAIN, palette.kerb))
            walk_t = inner + 0.15 + np.linspace(0, pavement + 0.3, 4)
            parts.append(self._strip(s, sign * walk_t, Material.PAVING, palette.paving, params=palette.slab))
            plot_t = walk_t[-1] + np.array([0, 0.8, 2, 4, 7, 11, 16, 22])
            if layout.plot_grass:
                plot = (Material.GRASS, palette.grass, palette.soil)
            else:
                plot = (Material.PAVING, palette.plot, palette.soil, palette.slab * 2.5)
            parts.append(self._strip(s, sign * plot_t, *plot))
            far_t = np.linspace(plot_t[-1], max(self.reach, plot_t[-1] + 20), 12)
            parts.append(self._strip(s[::4], sign * far_t, Material.GRASS, palette.grass, palette.soil))
        return merge(parts)

    def _strip(self, s, t, material, colour, accent=(0, 0, 0), params=(0, 0, 0, 0)):
        """Grid of triangles over s (a,) and t (b,), with smooth normals along the road."""
        t = np.sort(t)
        grid = self.point(s[:, None], t[None])
        uv = np.stack(np.broadcast_arrays(s[:, None], t[None]), -1)
        corner = [slice(None, -1), slice(1, None)]

        def cells(values):
            a, b, c, d = (values[corner[i], corner[j]] for i, j in ((0, 0), (1, 0), (1, 1), (0, 1)))
            return np.stack([a, b, c, a, c, d], 2).reshape(-1, 3, values.shape[-1])

        corners = cells(grid)
        flat = face_normals(corners).reshape(len(s) - 1, len(t) - 1, 2, 3).mean(2)
        padded = np.concatenate([flat[:1], flat, flat[-1:]])
        rows = padded[:-1] + padded[1:]
        rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
        a, b = rows[:-1], rows[1:]
        normals = np.stack([a, b, b, a, b, a], 2).reshape(-1, 3, 3)
        return make_soup(corners, material, colour, cells(uv), normals, accent, params)
