import math

import numpy as np
import pytest
import torch

from fsmde.poses import quaternion_to_matrix
from fsmde.rig import CameraRig, RigBatch, project_points, unproject_depth
from toy_dgp import AZIMUTHS, camera_quaternion

K = np.array([[100.0, 0, 50], [0, 100, 40], [0, 0, 1]])


def ring(azimuths):
    poses = np.stack([quaternion_to_matrix([0, 0, 0], camera_quaternion(a)) for a in azimuths])
    return CameraRig(tuple(f'cam{i}' for i in range(len(azimuths))), np.stack([K] * len(azimuths)), poses)


def test_quaternion_of_a_quarter_turn_about_z():
    half = np.sqrt(0.5)
    matrix = quaternion_to_matrix([1, 2, 3], [half, 0, 0, half])
    np.testing.assert_allclose(matrix @ [1, 0, 0, 1], [1, 3, 3, 1], atol=1e-12)
    with pytest.raises(ValueError, match='norm 2.0'):
        quaternion_to_matrix([0, 0, 0], [2, 0, 0, 0])


def test_one_point_lands_in_the_pixel_computed_by_hand():
    # x / z = 0.1, y / z = -0.2: u = 100 * 0.1 + 50 = 60, v = 100 * -0.2 + 40 = 20.
    points = np.array([[0.501, -0.999, 5.0], [0.0, 0.0, -5.0], [np.nan, 0, 1]])
    pixels = project_points(points, np.eye(4)[None], K[None], [(80, 100)])
    assert (pixels.camera.tolist(), pixels.u.tolist(), pixels.v.tolist()) == ([0], [60], [20])
    assert pixels.z.tolist() == [5.0] and pixels.index.tolist() == [0]


def test_rounding_rules():
    points = np.array([[0.058, 0.0, 1.0]])  # u = 55.8
    truncated = project_points(points, np.eye(4)[None], K[None], [(80, 100)], 'truncate')
    rounded = project_points(points, np.eye(4)[None], K[None], [(80, 100)], 'round')
    assert truncated.u.tolist() == [55] and rounded.u.tolist() == [56]
    left = np.array([[-0.505, 0.0, 1.0]])  # u = -0.5
    assert project_points(left, np.eye(4)[None], K[None], [(80, 100)], 'truncate').u.tolist() == [0]
    assert project_points(left, np.eye(4)[None], K[None], [(80, 100)], 'floor').u.tolist() == []
    with pytest.raises(ValueError, match='rounding'):
        project_points(points, np.eye(4)[None], K[None], [(80, 100)], 'up')


@pytest.mark.parametrize('collisions, expected', [('nearest', 3.0), ('last', 7.0)])
def test_collisions(collisions, expected):
    points = np.array([[0, 0, 5.0], [0, 0, 3.0], [0, 0, 7.0]])
    depth = project_points(points, np.eye(4)[None], K[None], [(80, 100)]).scatter(1, 80, 100, collisions)
    assert depth[0, 40, 50] == expected and (depth > 0).sum() == 1


def test_projection_agrees_with_a_loop_over_cameras_and_points():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(300, 3)) * 8
    rig = ring(AZIMUTHS.values())
    ego2cam = np.linalg.inv(rig.cam2ego)
    pixels = project_points(points, ego2cam, rig.cam2img, [(80, 100)] * 6)
    expected = set()
    for n in range(6):
        for i, point in enumerate(points):
            x, y, z = (ego2cam[n] @ [*point, 1])[:3]
            if z > 0:
                u, v = math.floor(100 * x / z + 50), math.floor(100 * y / z + 40)
                if 0 <= u < 100 and 0 <= v < 80:
                    expected.add((n, i, u, v))
    assert set(zip(pixels.camera.tolist(), pixels.index.tolist(), pixels.u.tolist(), pixels.v.tolist())) == expected


def test_ring_neighbours_follow_azimuth_whatever_the_order():
    rig = ring([180, 0, 60, 300])  # back, front, left, right
    assert rig.neighbors.tolist() == [[3, 2], [2, 3], [0, 1], [1, 0]]
    assert ring([0]).neighbors.tolist() == [[-1, -1]]
    assert ring([0, 90]).neighbors.tolist() == [[1, 1], [0, 0]]


def test_cameras_that_look_one_way_keep_their_order_whatever_the_calibration_of_a_scene():
    """Views at 45 degrees left and right of four fisheyes: each two look the same way, to what calibration leaves."""
    rng = np.random.default_rng(0)
    nominal = [45, 0, -45, 135, 90, 45, -135, 180, 135, -45, -90, -135]
    tables = {str(ring(np.add(nominal, rng.normal(0, 0.3, 12))).neighbors.tolist()) for _ in range(20)}
    assert len(tables) == 1
    # Wherever the direction lies, and around the back.
    for middle in (2.5, 112.5, 180.0, 359.9):
        tables = {
            str(ring([middle + turn, middle - turn, 90, 270]).neighbors.tolist()) for turn in (-0.1, -0.02, 0.02, 0.1)
        }
        assert len(tables) == 1


def test_mirrored_order_swaps_left_and_right():
    assert ring(AZIMUTHS.values()).mirrored_order().tolist() == [0, 5, 4, 3, 2, 1]
    assert ring([0, 55, -50]).mirrored_order().tolist() == [0, 2, 1]


@pytest.mark.parametrize('entry', [0.0, np.nan, -5.0])
def test_unusable_intrinsics_name_the_camera(entry):
    bad = np.stack([K, K])
    bad[1, 0, 0] = entry
    with pytest.raises(ValueError, match='camera right: cam2img'):
        CameraRig(('left', 'right'), bad, np.tile(np.eye(4), (2, 1, 1)))
    with pytest.raises(ValueError, match='camera right: cam2ego'):
        CameraRig(('left', 'right'), np.stack([K, K]), np.stack([np.eye(4), np.eye(4) * 2]))


def test_unprojected_plane_is_a_plane_and_projects_back():
    points = unproject_depth(np.full((4, 5), 7.0), K)
    assert (points[..., 2] == 7).all()
    np.testing.assert_allclose(points[2, 3, :2], [(3.5 - 50) * 0.07, (2.5 - 40) * 0.07])
    pixels = project_points(points.reshape(-1, 3), np.eye(4)[None], K[None], [(80, 100)])
    assert pixels.u.reshape(4, 5)[0].tolist() == [0, 1, 2, 3, 4]


def test_rig_batch_unprojects_into_the_ego_frame():
    rig = ring(AZIMUTHS.values())
    batch = RigBatch(
        torch.tensor(rig.cam2img)[None].float(),
        torch.tensor(rig.cam2ego)[None].float(),
        torch.tensor(rig.neighbors),
        (80, 100),
    )
    assert batch.pairs().tolist() == [[0, 1], [0, 5], [1, 2], [2, 3], [3, 4], [4, 5]]
    # A 1x1 grid looks through the image's centre (50, 40), the principal point: 10 m along each optical axis.
    points = batch.unproject(torch.full((1, 6, 1, 1), 10.0))[0, :, 0, 0]
    angles = np.radians(list(AZIMUTHS.values()))
    np.testing.assert_allclose(points, 10 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1), atol=1e-4)
