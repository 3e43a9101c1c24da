"""The built-in world photographed through a lens: rectified, it has the LiDAR agreement of a pinhole's photograph.

The lens of the photograph is OpenCV's own inverse, not ours.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from fsmde.lenses import EquidistantLens, PlumbBobLens
from fsmde.rectification import Rectifier
from fsmde.rig import project_points
from fsmde.rig_camera import RigCamera
from fsmde.virtual_cameras import to_original_pixels

pytest.importorskip('embreex')
from fsmde.synthetic.lidar import scan
from fsmde.synthetic.render import Renderer
from fsmde.synthetic.rigs import Camera
from fsmde.synthetic.scene import Scene

SIZE = HEIGHT, WIDTH = 240, 400


@dataclass
class LensCamera(Camera):
    """A camera of the built-in world with a lens."""

    lens: object = None

    def rays(self, shift=(0.0, 0.0)):
        """See :meth:`Camera.rays`."""
        u, v = np.meshgrid(np.arange(WIDTH) + shift[0], np.arange(HEIGHT) + shift[1])
        pixels = np.stack([u, v], -1).reshape(-1, 1, 2)
        K = self.cam2img - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
        undistort = cv2.fisheye.undistortPoints if isinstance(self.lens, EquidistantLens) else cv2.undistortPoints
        points = undistort(pixels, K, np.array(self.lens.coefficients))[:, 0]
        return np.concatenate([points, np.ones((len(points), 1))], 1)


@pytest.fixture(scope='module')
def world():
    scene = Scene(0, 'student', 0, 0, 1, 0.5, SIZE)
    world, ego2world = scene.world(0.0)
    lidar2world = ego2world @ scene.rig.lidar2ego
    points = scan(world, lidar2world, scene.look.haze, np.random.default_rng(0))[:, :3]
    return scene, world, ego2world, lidar2world, points


@pytest.mark.parametrize(
    'lens',
    [PlumbBobLens((-0.12, 0.02, 0.001, -0.001)), EquidistantLens((-0.03, 0.01, -0.01, 0.002))],
    ids=lambda lens: lens.MODEL,
)
def test_depth_through_a_lens_agrees_with_lidar_as_a_pinholes_does(world, lens):
    scene, rays, ego2world, lidar2world, points = world
    original = scene.rig.cameras[1]
    pose, K = ego2world @ original.cam2ego, original.cam2img
    renderer, rng = Renderer(rays, scene.look), np.random.default_rng(0)
    camera = RigCamera(original.name, (WIDTH, HEIGHT), K, lens)
    plain_image, plain = renderer.image(original, pose, rng)
    image, through_lens = renderer.image(LensCamera(original.name, K, original.cam2ego, SIZE, lens), pose, rng)

    # Photographs: after rectification every pixel shows what a pinhole shows there, up to noise and interpolation.
    rectifier = Rectifier(camera)
    rectified, seen = rectifier(image), rectifier.visible & np.pad(np.ones((HEIGHT - 20, WIDTH - 20), bool), 10)
    assert seen.mean() > 0.7
    grey = [cv2.GaussianBlur(i.mean(2).astype(np.float32), (0, 0), 1.5)[seen] for i in (rectified, plain_image)]
    unrectified = cv2.GaussianBlur(image.mean(2).astype(np.float32), (0, 0), 1.5)[seen]
    assert np.corrcoef(*grey)[0, 1] > 0.98 > 0.95 > np.corrcoef(unrectified, grey[1])[0, 1]

    # Depth: that of the rectified view, brought back, is what was rendered through the lens.
    lidar2cam = np.linalg.inv(pose) @ lidar2world
    in_camera = points @ lidar2cam[:3, :3].T + lidar2cam[:3, 3]
    in_camera = in_camera[in_camera[:, 2] > 1]
    zero, D = np.zeros(3), np.array(lens.coefficients)
    shifted = K - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    project = cv2.fisheye.projectPoints if isinstance(lens, EquidistantLens) else cv2.projectPoints
    shape = (1, -1, 3) if isinstance(lens, EquidistantLens) else (-1, 1, 3)
    pixels = project(in_camera.reshape(shape), zero, zero, shifted, D)[0].reshape(-1, 2) + 0.5
    within = np.arctan2(np.linalg.norm(in_camera[:, :2], axis=1), in_camera[:, 2]) < 0.95 * lens.max_angle
    inside = within & ((pixels > 0) & (pixels < [WIDTH, HEIGHT])).all(1)
    (u, v), z = pixels[inside].astype(int).T, in_camera[inside, 2]
    back = to_original_pixels(plain.astype(np.float32), camera)

    straight = project_points(points, lidar2cam[None], K[None], [SIZE])
    expected = agreement(plain[straight.v, straight.u], straight.z)
    for depth in (through_lens, back):
        assert agreement(depth[v, u], z) == pytest.approx(expected, abs=0.03)
    assert expected > 0.8


def agreement(depth, z):
    """Share of the LiDAR's points, where there is depth, that depth is within 2 % of."""
    known = depth > 0
    assert known.sum() > 300
    return float((np.abs(depth - z)[known] < 0.02 * z[known]).mean())
