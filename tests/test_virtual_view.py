import numpy as np
import pytest

from fsmde.poses import euler_to_matrix
from fsmde.virtual_view import VirtualView, read_views, turn


def test_directions_are_to_the_left_and_upwards():
    np.testing.assert_allclose(turn(0, 0), np.eye(3), atol=1e-15)
    right, down, forward = turn(90, 0).T
    # In the camera's axes (right, down, forward): what looks left has ahead to its right.
    np.testing.assert_allclose([right, down, forward], [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], atol=1e-15)
    np.testing.assert_allclose(turn(0, 30)[:, 2], [0, -0.5, np.sqrt(0.75)], atol=1e-15)
    assert np.linalg.det(turn(-70, 25)) == pytest.approx(1)


def test_the_field_of_view_gives_the_focal_length():
    view = VirtualView(640, 384, hfov=90)
    np.testing.assert_allclose(view.cam2img, [[320, 0, 320], [0, 320, 192], [0, 0, 1]])
    assert view.size == (640, 384) and view.name_in('LEFT') == 'LEFT'
    assert VirtualView(640, 384, 90, 'ahead').name_in('LEFT') == 'LEFT/ahead'


@pytest.mark.parametrize('pitch, roll', [(0, 0), (30, 0), (-20, 15), (70, -8)])
def test_level_views_stand_upright_in_the_vehicle(pitch, roll):
    # A camera that looks to the left (azimuth 90), tilted by pitch and roll.
    forward = euler_to_matrix([0, 0, 0], np.radians([-90, 0, -90]))
    tilted = euler_to_matrix([0, 0, 0], np.radians([0, 0, 90])) @ forward
    tilted = tilted @ euler_to_matrix([1, 2, 3], np.radians([-pitch, 0, roll]))
    ego = tilted[:3, :3] @ VirtualView(64, 48, 80, azimuth=-35, level=True).view2cam(tilted)
    axis = np.degrees(np.arctan2(tilted[1, 2], tilted[0, 2]))
    np.testing.assert_allclose(ego[:, 1], [0, 0, -1], atol=1e-12)
    looks = np.radians(axis - 35)
    np.testing.assert_allclose(ego[:, 2], [np.cos(looks), np.sin(looks), 0], atol=1e-12)
    raised = tilted[:3, :3] @ VirtualView(64, 48, 80, elevation=10, level=True).view2cam(tilted)
    assert np.degrees(np.arcsin(raised[2, 2])) == pytest.approx(10)


@pytest.mark.parametrize(
    'content, words',
    [
        ([], 'expected a list of views'),
        (dict(hfov=80), 'expected a list of views'),
        ([dict(hfov=80, width=64)], 'view 0: height must be stated'),
        ([dict(hfov=80, width=64, height=48, yaw=3)], "key 'yaw' is unknown"),
        ([dict(hfov=170, width=64, height=48)], 'hfov must lie in'),
        ([dict(hfov='wide', width=64, height=48)], 'hfov: expected a number'),
        ([dict(hfov=80, width=6.5, height=48)], 'width must be whole pixels'),
        ([dict(hfov=80, width=64, height=48, level=1)], 'level true or false'),
        ([dict(hfov=80, width=64, height=48, name='a/b')], 'no slash'),
        ([dict(hfov=80, width=64, height=48)] * 2, 'need a name each'),
        ([dict(hfov=80, width=64, height=48, name='a')] * 2, 'need a name each'),
    ],
)
def test_what_is_no_view_is_refused(content, words):
    with pytest.raises(ValueError, match=f'camera A.*{words}'):
        read_views(content, 'camera A')


def test_level_views_need_a_pose_that_has_a_direction():
    view = VirtualView(64, 48, 80, level=True)
    with pytest.raises(ValueError, match='needs the pose'):
        view.view2cam()
    with pytest.raises(ValueError, match='straight down or up'):
        view.view2cam(np.diag([1.0, -1, -1, 1]))
