"""A drive through the built-in world, seen by any rig: for writing it in the formats of foreign data sets."""

from dataclasses import dataclass

import cv2
import numpy as np

from fsmde.poses import quaternion_to_matrix
from toy_dgp import camera_quaternion

#: Metres from the world's origin to that of the poses, as far as data sets have it.
OFFSET = np.array([5172.5, -2419.25, 66.75])


@dataclass
class Shot:
    """What a camera saw: (H, W, 3) uint8 BGR, (H, W) z-depth in metres (0 = none), seconds, and (4, 4) poses."""

    image: np.ndarray
    depth: np.ndarray
    time: float
    ego2world: np.ndarray
    cam2world: np.ndarray


@dataclass
class Moment:
    """A sweep, (P, 3) metres in the ego frame at ``time`` in seconds and (P,) intensities, with a shot of each camera."""

    time: float
    points: np.ndarray
    intensity: np.ndarray
    ego2world: np.ndarray
    shots: list


def level_camera(name, azimuth, position, focal, size, lens=()):
    """A level camera that looks ``azimuth`` degrees to the left; ``focal`` in image widths, ``size`` (height, width).

    ``lens`` are OpenCV's k1, k2, p1, p2, k3: the image is what it shows, by OpenCV's own inverse.
    """
    from fsmde.synthetic.rigs import Camera

    class LensCamera(Camera):
        def rays(self, shift=(0.0, 0.0)):
            u, v = np.meshgrid(np.arange(self.size[1]) + 0.5, np.arange(self.size[0]) + 0.5)
            pixels = (np.stack([u, v], -1) + shift).reshape(-1, 1, 2)
            precise = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-12)
            points = cv2.undistortPointsIter(pixels, self.cam2img, np.array(lens), np.eye(3), np.eye(3), precise)
            return np.concatenate([points[:, 0], np.ones((len(points), 1))], 1)

    height, width = size
    fx = focal * width
    cam2img = np.array([[fx, 0, width / 2 + 1.25], [0, fx, height / 2 - 0.75], [0, 0, 1]])
    return (LensCamera if any(lens) else Camera)(
        name, cam2img, quaternion_to_matrix(position, camera_quaternion(azimuth)), size
    )


def drive_through(cameras, lags, moments=2, interval=0.1):
    """Moments of one drive.

    Args:
        cameras: N :class:`fsmde.synthetic.rigs.Camera`.
        lags: N seconds from the sweep to each camera's exposure.
    """
    from fsmde.synthetic.lidar import scan
    from fsmde.synthetic.render import Renderer
    from fsmde.synthetic.scene import Scene

    scene = Scene(0, 'student', 0, 0, moments, interval, (48, 80))

    def pose_at(time):
        moved = scene.world(time)[1].copy()
        moved[:3, 3] += OFFSET
        return moved

    drive = []
    for number in range(moments):
        time, rng = number * interval, np.random.default_rng(number)
        world, ego2world = scene.world(time)
        points = scan(world, ego2world @ scene.rig.lidar2ego, scene.look.haze, rng)
        in_ego = points[:, :3] @ scene.rig.lidar2ego[:3, :3].T + scene.rig.lidar2ego[:3, 3]
        shots = []
        for camera, lag in zip(cameras, lags):
            world, ego = scene.world(time + lag)
            image, depth = Renderer(world, scene.look).image(camera, ego @ camera.cam2ego, rng)
            ego2world = pose_at(time + lag)
            shots.append(Shot(image[..., ::-1], depth, time + lag, ego2world, ego2world @ camera.cam2ego))
        drive.append(Moment(time, in_ego, points[:, 3], pose_at(time), shots))
    return drive
