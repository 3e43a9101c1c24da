"""Furnishes a road: what stands still, as one soup."""

import numpy as np

from . import furniture
from .buildings import building
from .layouts import KINDS
from .materials import Material
from .soup import merge, pose_of
from .vehicles import random_vehicle


class Furnisher:
    """Places things along a road, clear of the car's path.

    Args:
        rng: source of what stands where.
        road: the ground, see ``road.Road``.
        palette: colours, see ``looks.Palette``.
        path: (k, 2) points in metres that the car will pass, kept clear.
    """

    def __init__(self, rng, road, palette, path):
        self.rng, self.road, self.layout, self.palette, self.path = rng, road, road.layout, palette, path
        self.soups = []

    def furnish(self):
        """Place everything and return one soup, the ground included."""
        for side in (1, -1):
            self._buildings(side)
            self._kerbside(side)
            self._plots(side)
            if self.layout.parking:
                self._parked(side)
        self._clutter()
        self._utility_line(self.rng.choice([1, -1]))
        return merge([self.road.soup(self.palette), *self.soups])

    def _walk(self, spacing, start=None):
        """Positions along the road, ``spacing()`` metres apart."""
        s = self.road.start + 3 if start is None else start
        while s < self.road.end - 3:
            yield s
            s += spacing()

    def _front(self, side):
        """Offset in metres of the plots' front edge on a side."""
        return self.layout.half_width + self.layout.pavement[0 if side > 0 else 1] + 0.4

    def _put(self, soup, s, t, turn=0.0, clear=1.2, sink=0.0):
        """Stand a soup on the ground at road coordinates, turned from the road's direction."""
        x, y, z = self.road.point(s, t)
        if np.min(np.hypot(self.path[:, 0] - x, self.path[:, 1] - y)) < clear + 1.6:
            return
        self.soups.append(soup.placed(pose_of(x, y, z - sink, self.road.heading_at(s) + turn)))

    def _buildings(self, side):
        layout, rng = self.layout, self.rng
        base = self._front(side) + layout.setback[0 if side > 0 else 1]
        s = self.road.start
        while s < self.road.end:
            storeys = int(round(rng.uniform(*KINDS[layout.kind]['storeys'])))
            width, depth = rng.uniform(7, 22 if storeys > 2 else 15), rng.uniform(8, 16)
            t = side * (base + rng.uniform(0, 0.4) ** 2 * 20 * (layout.setback.max() > 2))
            ends = self.road.height(s + width * np.array([0, 0.5, 1]), t)
            x, y, _ = self.road.point(s + width / 2, t)
            turn = 0 if side > 0 else np.pi
            pose = pose_of(x, y, ends.min() + 0.05, self.road.heading_at(s + width / 2) + turn)
            self.soups.append(building(rng, self.palette, width, depth, storeys).placed(pose))
            s += width
            if rng.random() < layout.gap_chance:
                s += rng.uniform(*KINDS[layout.kind]['gap'])
            if rng.random() < 0.07:
                s += rng.uniform(7, 24)

    def _kerbside(self, side):
        """Lamps, trees, signs, lights and bushes between the road and the buildings."""
        layout, rng, front = self.layout, self.rng, self._front(side)
        edge = side * (layout.half_width + 0.6)
        facing = 0 if side > 0 else np.pi
        spacing = rng.uniform(22, 40)
        height = rng.uniform(5, 10)
        for s in self._walk(lambda: spacing, self.road.start + rng.uniform(3, 20)):
            lamp = furniture.lamp(height, rng.uniform(0.8, 2.2))
            self._put(lamp, s, edge, np.pi + facing)
        in_row = layout.pavement.max() > 2 or layout.kind in ('suburb', 'square')
        gap = rng.uniform(6, 14)
        for s in self._walk(lambda: gap * rng.uniform(0.7, 1.4)):
            if rng.random() < layout.trees:
                t = edge + side * 0.4 if in_row else side * (front + rng.uniform(2, 12))
                self._put(furniture.tree(rng, self.palette, rng.uniform(4, 11)), s, t, rng.uniform(0, 6), sink=0.2)
        for s in self._walk(lambda: rng.uniform(14, 60)):
            self._put(
                furniture.sign(rng, self.palette, rng.random() < 0.3 and layout.kind == 'highway'),
                s,
                edge + side * 0.2,
                0 if side < 0 else np.pi,
            )
        if layout.crossing:
            first = np.ceil(self.road.start / layout.crossing) * layout.crossing
            for s in np.arange(first, self.road.end - 5, layout.crossing):
                arm = min(layout.half_width, 5.0)
                self._put(
                    furniture.traffic_light(rng.uniform(4.5, 6), arm),
                    s + 3.6 * (side > 0),
                    edge,
                    0 if side < 0 else np.pi,
                )

    def _plots(self, side):
        """Fences, hedges, trees and people behind the pavement."""
        layout, rng, front = self.layout, self.rng, self._front(side)
        room = layout.setback[0 if side > 0 else 1]
        for s in self._walk(lambda: rng.uniform(9, 26)):
            if rng.random() < layout.fences and room > 1:
                span = np.arange(s, s + rng.uniform(6, 22), 2.0)
                points = self.road.point(span, side * (front + rng.uniform(0.1, 0.6)))
                solid = rng.random() < 0.5
                colour = self.palette.wall(rng) if solid else self.palette.trim(rng)
                material = Material.PAVING if solid else Material.PLAIN
                self.soups.append(
                    furniture.fence_panels(
                        points, rng.uniform(0.8, 1.9), solid, colour=colour, material=material, params=(0.4, 0.2, 0, 0)
                    )
                )
            if layout.plot_grass and room > 2 and rng.random() < 0.7:
                for _ in range(rng.integers(1, 5)):
                    self._put(
                        furniture.bush(rng, self.palette, rng.uniform(0.7, 2.4)),
                        s + rng.uniform(0, 9),
                        side * (front + rng.uniform(0.8, room)),
                        sink=0.1,
                    )
        for _ in range(int(18 * layout.trees) + 4):
            t = side * (front + room + rng.uniform(14, 55))
            if abs(t) < self.road.reach:
                self._put(
                    furniture.tree(rng, self.palette, rng.uniform(7, 16)),
                    rng.uniform(self.road.start, self.road.end),
                    t,
                    sink=0.4,
                )
        for _ in range(int(layout.people)):
            t = side * rng.uniform(layout.half_width + 0.3, front + 0.5 + 0.3 * room)
            self._put(furniture.person(rng, self.palette), rng.uniform(-40, 90), t, rng.uniform(0, 2 * np.pi))

    def _parked(self, side):
        layout, rng = self.layout, self.rng
        t = side * (layout.half_width - 0.55 * layout.parking)
        s = self.road.start + 5
        while s < self.road.end - 5:
            if rng.random() < layout.parked:
                soup, length = random_vehicle(rng, self.palette, 0.06)
                self._put(soup, s + length / 2, t + rng.normal(0, 0.12), (side > 0) * np.pi + rng.normal(0, 0.03), 1.0)
                s += length + rng.uniform(0.6, 2.5)
            else:
                s += rng.uniform(4, 9)

    def _clutter(self):
        """Things standing free on a square: parked cars, trees, people, benches."""
        layout, rng = self.layout, self.rng
        for _ in range(int(layout.clutter)):
            s, t = rng.uniform(-60, 90), rng.uniform(-1, 1) * (layout.half_width + 4)
            pick = rng.random()
            if pick < 0.4:
                soup, length = random_vehicle(rng, self.palette, 0.12)
                clear = length / 2 + 0.5
            elif pick < 0.6:
                soup, clear = furniture.tree(rng, self.palette, rng.uniform(4, 9)), 1.5
            elif pick < 0.85:
                soup, clear = furniture.person(rng, self.palette), 0.8
            else:
                soup, clear = furniture.bush(rng, self.palette, rng.uniform(1, 2.5)), 1.4
            self._put(soup, s, t, rng.uniform(0, 2 * np.pi), clear)

    def _utility_line(self, side):
        height = self.rng.uniform(7, 10)
        if self.layout.kind in ('country', 'suburb', 'narrow'):
            t = side * (self._front(side) + 0.2)
            for s in self._walk(lambda: 32.0):
                self._put(furniture.utility_pole(height), s, t)
