"""One scene: builds a street, drives through it, writes what cameras and LiDAR see."""

import math

import numpy as np

from .dgp import SceneWriter
from .drive import Drive, Traffic
from .layouts import KINDS, draw_layout
from .lidar import scan
from .looks import WEATHER, draw_look
from .raycast import RayPart, RayWorld
from .render import Renderer
from .rigs import ddad_rig, lens_rig, random_rig, van_rig
from .road import Road
from .street import Furnisher
from .vehicles import ego_car

PRESETS = {'student': 0, 'teacher': 1, 'elsewhere': 2}
_RIGS = {'student': ddad_rig, 'teacher': random_rig, 'elsewhere': van_rig}
CAMERA_LAG = 0.02  # seconds by which the cameras fire before the LiDAR's time stamp


def street_and_weather(preset, split, number, streets=None, weathers=None):
    """Kind of street and weather of a scene, of some of them where these are named.

    24 scenes in a row of all kinds and four weathers show every pair once.
    """
    kinds, weathers = list(streets or KINDS), list(weathers or WEATHER[preset])
    # Where one number of them divides the other, the weather moves on by one after each round.
    rounds = number // math.lcm(len(kinds), len(weathers))
    return kinds[(number + 2 * split) % len(kinds)], weathers[(number + rounds + split) % len(weathers)]


class Scene:
    """A street with its traffic, rig and look, all from (seed, preset, split, number).

    Args:
        seed, split, number: integers; ``split`` is 0 train, 1 val, 2 test.
        preset: ``student``, ``teacher`` or ``elsewhere``.
        frames: number of samples.
        interval: seconds between samples.
        size: height and width of the images.
        rig: one of ``rigs.LENS_RIGS`` in the place of the preset's own rig; all else stays as it is.
        streets, weathers: see ``street_and_weather``.
    """

    def __init__(self, seed, preset, split, number, frames, interval, size, rig=None, streets=None, weathers=None):
        self.frames, self.interval = frames, interval
        self._seed = [seed, PRESETS[preset], split, number]
        rng = np.random.default_rng(self._seed)
        kind, weather = street_and_weather(preset, split, number, streets, weathers)
        self.layout = draw_layout(rng, kind)
        self.look = draw_look(rng, preset, weather)
        self.drive = Drive(rng, self.layout)
        duration = (frames - 1) * interval
        self.road = Road(rng, self.layout, self.layout.speed * duration)
        self.rig = _RIGS[preset](rng, size)
        if rig is not None:
            self.rig = lens_rig(rig, self.rig, np.random.default_rng([*self._seed, 0]), size)
        times = np.arange(-0.2, duration + 0.3, 0.1)
        path = self.road.point(*np.array([self.drive.road_position(t) for t in times]).T)[:, :2]
        ahead = path[-1] + np.outer([1.5, 3.0], path[-1] - path[-2]) / np.linalg.norm(path[-1] - path[-2])
        street = Furnisher(rng, self.road, self.look.palette, np.concatenate([path, ahead])).furnish()
        self._street = RayPart(street)
        self._traffic = Traffic(rng, self.road, self.drive, self.look.palette)
        self._body = ego_car(self.look.palette.paint(rng))
        self._offset = np.array([*rng.uniform(-9000, 9000, 2), rng.uniform(-40, 40)])

    def world(self, time):
        """The ray world and the vehicle's pose (4, 4) at a time in seconds."""
        ego2world = self.drive.pose(self.road, time)
        moving = self._traffic.soup(time)
        parts = [self._street, RayPart(self._body.placed(ego2world))]
        if moving is not None:
            parts.insert(1, RayPart(moving))
        return RayWorld(parts), ego2world

    def write(self, root, name):
        """Render all samples into ``root / name`` and return the scene file's path relative to ``root``."""
        writer = SceneWriter(root, name, self.rig)
        for index in range(self.frames):
            time = index * self.interval
            rng = np.random.default_rng([*self._seed, 1 + index])
            world, ego2world = self.world(time)
            lidar2world = ego2world @ self.rig.lidar2ego
            points = scan(world, lidar2world, self.look.haze, rng)
            world, ego2world = self.world(time - CAMERA_LAG)
            renderer = Renderer(world, self.look)
            poses = [ego2world @ camera.cam2ego for camera in self.rig.cameras]
            shots = [renderer.image(camera, pose, rng) for camera, pose in zip(self.rig.cameras, poses)]
            if index == 0:
                masks = [renderer.own_mask(camera, pose) for camera, pose in zip(self.rig.cameras, poses)]
            writer.add_sample(
                index,
                1 + time,
                1 + time - CAMERA_LAG,
                points,
                self._moved(lidar2world),
                *zip(*shots),
                [self._moved(pose) for pose in poses],
            )
        return writer.finish(
            masks,
            dict(
                street=self.layout.kind, weather=self.look.name, cameras=[camera.name for camera in self.rig.cameras]
            ),
        )

    def _moved(self, pose):
        """A pose in the published world, whose origin is far away."""
        moved = pose.copy()
        moved[:3, 3] += self._offset
        return moved
