"""Camera, LiDAR and geometry on a plane and a box."""

import numpy as np

from fsmde.synthetic.dgp import quaternion
from fsmde.synthetic.lidar import scan
from fsmde.synthetic.looks import WEATHER, draw_look
from fsmde.synthetic.raycast import RayPart, RayWorld
from fsmde.synthetic.render import Renderer
from fsmde.synthetic.rigs import Camera, ddad_rig
from fsmde.synthetic.scene import street_and_weather
from fsmde.synthetic.shapes import box, cylinder
from fsmde.synthetic.soup import face_normals, pose_of
from fsmde.synthetic.trivial import _pose

FORWARD = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 2], [0, 0, 0, 1]], np.float64)  # 2 m above the ground


def plain(*args, **kwargs):
    return box(*args, material=0, colour=(0.5, 0.5, 0.5), **kwargs)


def wall_world():
    """Ground at z = 0, a wall whose front is at x = 10 and the own car's stand-in behind the camera."""
    ground, wall = plain(400, 400, 1, centre=(0, 0, -1)), plain(1, 60, 20, centre=(10.5, 0, 0))
    return RayWorld([RayPart(ground), RayPart(wall), RayPart(plain(1, 1, 1, centre=(-5, 0, 0)))])


def test_depth_of_a_wall_and_of_the_ground():
    camera = Camera('CAMERA_01', np.array([[40.0, 0, 40], [0, 40, 24], [0, 0, 1]]), np.eye(4), (48, 80))
    look = draw_look(np.random.default_rng(0), 'student', 'day')
    image, depth = Renderer(wall_world(), look).image(camera, FORWARD, np.random.default_rng(0))
    assert image.dtype == np.uint8 and image.shape == (48, 80, 3)
    np.testing.assert_allclose(depth[20, 30:50], 10, rtol=1e-6)
    # Row 47's centre looks down by 23.5 / 40: the ground 2 m below is met at z = 2 * 40 / 23.5.
    np.testing.assert_allclose(depth[47], 2 * 40 / 23.5, rtol=1e-6)


def test_own_car_and_sky_have_no_depth():
    camera = Camera('CAMERA_01', np.array([[40.0, 0, 40], [0, 40, 24], [0, 0, 1]]), np.eye(4), (48, 80))
    backward = np.diag([-1.0, -1, 1, 1]) @ FORWARD
    renderer = Renderer(wall_world(), draw_look(np.random.default_rng(0), 'student', 'day'))
    _, depth = renderer.image(camera, backward, np.random.default_rng(0))
    mask = renderer.own_mask(camera, backward)
    assert mask.any() and not depth[mask].any()
    assert not depth[:20].any()


def test_lidar_range_and_own_car():
    lidar2world = np.eye(4)
    lidar2world[2, 3] = 2
    points = scan(wall_world(), lidar2world, 1e4, np.random.default_rng(0))
    world = points[:, :3] + [0, 0, 2]
    wall = np.abs(world[:, 0] - 10) < 0.3
    assert wall.sum() > 1000 and np.abs(world[wall, 0] - 10).mean() < 0.05
    assert np.abs(world[~wall, 2]).max() < 1.0  # all else is the ground, none is the box behind
    behind = (world[:, 0] < -4) & (world[:, 0] > -6) & (np.abs(world[:, 1]) < 0.5)
    assert not behind.any()


def test_solids_face_outwards():
    for solid in (plain(2, 3, 4), cylinder(1, 2, material=0, colour=(1, 1, 1))):
        middle = solid.corners.mean((0, 1))
        outward = solid.corners.mean(1) - middle
        assert ((face_normals(solid.corners) * outward).sum(1) > 0).all()


def test_quaternion_of_a_quarter_turn():
    np.testing.assert_allclose(quaternion(pose_of(0, 0, 0, np.pi / 2)[:3, :3]), np.sqrt([0.5, 0, 0, 0.5]), atol=1e-12)
    q = quaternion(ddad_rig(np.random.default_rng(0), (384, 640)).cameras[2].cam2ego[:3, :3])
    pose = _pose(dict(rotation=dict(zip(('qw', 'qx', 'qy', 'qz'), q)), translation=dict(x=0, y=0, z=0)))
    camera = ddad_rig(np.random.default_rng(0), (384, 640)).cameras[2]
    np.testing.assert_allclose(pose[:3, :3], camera.cam2ego[:3, :3], atol=1e-12)


def test_looks_of_student_and_teacher_are_disjoint():
    assert not set(WEATHER['student']) & set(WEATHER['teacher'])
    for a in WEATHER['student'].values():
        for b in WEATHER['teacher'].values():
            for key in ('elevation', 'azimuth', 'haze'):
                assert a[key][1] <= b[key][0] or b[key][1] <= a[key][0], (key, a, b)


def test_scenes_in_a_row_show_every_street_in_every_weather():
    for preset, weathers in (('student', 4), ('teacher', 4), ('elsewhere', 3)):
        assert len({street_and_weather(preset, 0, number) for number in range(6 * weathers)}) == 6 * weathers
    some = dict(streets=['narrow', 'suburb', 'avenue'], weathers=['day', 'haze'])
    assert len({street_and_weather('student', 1, number, **some) for number in range(6)}) == 6


def test_ring_order_is_the_facts():
    names = [camera.name for camera in ddad_rig(np.random.default_rng(0), (384, 640)).cameras]
    assert names == [f'CAMERA_{i:02d}' for i in (1, 5, 7, 9, 8, 6)]
