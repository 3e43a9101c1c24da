"""Motion: the car's pose over time, and the traffic around it."""

import numpy as np

from .furniture import person
from .layouts import lane_centres
from .noise import Waves
from .soup import merge
from .vehicles import random_vehicle

WHEELBASE, TRACK = 2.9, 1.6


class Drive:
    """The car's motion along a road.

    Args:
        rng: source of its habits.
        layout: see ``layouts.draw_layout``.
    """

    def __init__(self, rng, layout):
        self.speed = layout.speed
        lanes = lane_centres(layout)
        own = lanes[: max(1, len(lanes) // 2)]
        self.lane = float(rng.choice(own))
        self._offset, self._phase = rng.uniform(-0.2, 0.2), rng.uniform(-0.8, 0.8)
        self._turn = np.sin(layout.yaw)
        self._swing = 4.0 if layout.kind == 'square' else 0.4 * (layout.lane_width - 2.2)
        self._pitch, self._roll = (Waves(rng, 0.7, 3.0, 0.06, 4) for _ in range(2))
        self._lift = Waves(rng, 0.7, 2.5, 0.05, 3)
        self.load = np.radians(rng.normal(0, 1.0, 2))

    def road_position(self, time):
        """Road coordinates s, t in metres at a time in seconds."""
        swing = self._swing * np.sin(self._angle(time))
        return self.speed * time * np.sqrt(1 - self._turn**2 / 2), self.lane + self._offset + swing

    def _angle(self, time):
        """Phase of the swing to left and right, which the car's heading follows."""
        return self.speed * time * self._turn / self._swing + self._phase

    def pose(self, road, time):
        """Vehicle to world (4, 4): on its four wheels, with the body swaying on its springs."""
        s, t = self.road_position(time)
        yaw = road.heading_at(s) + np.arcsin(self._turn * np.cos(self._angle(time)))
        return standing_pose(
            road,
            s,
            t,
            yaw,
            WHEELBASE,
            TRACK,
            self.load[0] + self._pitch(time),
            self.load[1] + self._roll(time),
            float(self._lift(time)),
        )


def standing_pose(road, s, t, yaw, wheelbase, track, pitch=0.0, roll=0.0, lift=0.0):
    """Pose (4, 4) of a vehicle whose origin is at road coordinates s, t, tilted as the ground under its wheels."""
    turn = yaw - road.heading_at(s)
    forward, left = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    origin = road.point(s, t)
    ahead = road.height(*(np.array([s, t]) + wheelbase * forward)) - origin[2]
    aside = [road.height(*(np.array([s, t]) + k * track / 2 * left + wheelbase / 2 * forward)) for k in (1, -1)]
    pitch = np.arctan2(ahead, wheelbase) + pitch
    roll = np.arctan2(aside[0] - aside[1], track) + roll
    x = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    y = np.array([-np.sin(yaw) * np.cos(roll), np.cos(yaw) * np.cos(roll), np.sin(roll)])
    z = np.cross(x, y)
    z /= np.linalg.norm(z)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([x, np.cross(z, x), z], 1)
    pose[:3, 3] = origin + [0, 0, lift]
    return pose


class Traffic:
    """Vehicles in the lanes and people on foot, moving with constant speed.

    Args:
        rng: source of who moves where.
        road: see ``road.Road``.
        drive: the car's motion, which the traffic keeps clear of.
        palette: colours, see ``looks.Palette``.
    """

    def __init__(self, rng, road, drive, palette):
        self.road = road
        layout = road.layout
        self._movers = []
        lanes = [] if layout.kind == 'square' else lane_centres(layout)
        for i, t in enumerate(lanes):
            oncoming = i >= max(1, layout.lanes // 2)
            own = abs(t - drive.lane) < 0.6 * layout.lane_width
            speed = layout.speed * rng.uniform(0.7, 1.3)
            velocity = drive.speed if own else -speed if oncoming else speed
            gap = layout.traffic
            s = road.start + rng.uniform(5, 5 + gap)
            while s < road.end - 8:
                soup, length = random_vehicle(rng, palette, 0.22)
                clear = length / 2 + 5.0
                near = own and -clear - 1.0 < s < clear + 4.0
                if not near:
                    self._movers.append((soup, s, t + rng.normal(0, 0.1), velocity, oncoming * np.pi))
                s += length + max(3.0, gap * rng.uniform(0.3, 1.7))
        for _ in range(int(layout.people)):
            side = rng.choice([1, -1])
            t = side * rng.uniform(layout.half_width + 0.4, layout.half_width + 0.8 + layout.pavement.max())
            walk = rng.choice([1, -1]) * rng.uniform(0.8, 1.6)
            self._movers.append((person(rng, palette), rng.uniform(-25, 60), t, walk, np.pi * (walk < 0)))

    def soup(self, time):
        """Everything that moves, as it stands at a time in seconds, or None if nothing does."""
        placed = []
        for soup, s, t, velocity, turn in self._movers:
            at = s + velocity * time
            if self.road.start + 6 < at < self.road.end - 6:
                pose = standing_pose(self.road, at, t, self.road.heading_at(at) + turn, 2.5, 1.5)
                placed.append(soup.placed(pose))
        return merge(placed) if placed else None
