import cv2
import numpy as np
import pytest

from fsmde.lenses import LENSES, EquidistantLens, Lens, PlumbBobLens, RationalLens

LENS_EXAMPLES = [
    PlumbBobLens((-0.2946, 0.0741, 0.0008, -0.0003)),
    # A front camera of the Waymo Open Dataset, and a front camera of a car park assistant.
    PlumbBobLens((0.04036, -0.33002, 0.00104, -0.00157, 0.0)),
    RationalLens((0.4539, -2.6755, 0.0003, -0.0002, 1.5467, 0.3329, -2.4985, 1.4725)),
    EquidistantLens((-0.03367, 0.01538, -0.01865, 0.00581)),
]


def rays_within(lens, degrees, count=400):
    """Rays of random lengths up to an angle, and up to 0.98 of the field of view."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, min(np.radians(degrees), 0.98 * lens.max_angle), count)
    around = rng.uniform(-np.pi, np.pi, count)
    rays = np.stack([np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around), np.cos(angle)], -1)
    return rays * rng.uniform(0.5, 100, (count, 1))


@pytest.mark.parametrize('lens', LENS_EXAMPLES, ids=lambda lens: lens.MODEL)
def test_projection_is_opencvs(lens):
    rays = rays_within(lens, 80)
    K, D, zero = np.diag([1000.0, 1000.0, 1.0]), np.array(lens.coefficients), np.zeros(3)
    if isinstance(lens, EquidistantLens):
        expected = cv2.fisheye.projectPoints(rays[None], zero, zero, K, D)[0][0]
    else:
        expected = cv2.projectPoints(rays, zero, zero, K, D)[0][:, 0]
    np.testing.assert_allclose(1000 * lens.project(rays), expected, atol=1e-6)


@pytest.mark.parametrize('lens', [Lens(), *LENS_EXAMPLES], ids=lambda lens: lens.MODEL)
def test_unprojection_inverts_projection(lens):
    rays = rays_within(lens, 85)
    expected = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    np.testing.assert_allclose(lens.unproject(lens.project(rays)), expected, atol=1e-7)
    np.testing.assert_array_equal(lens.unproject([0.0, 0.0]), [0, 0, 1])


def test_a_fisheye_sees_behind_itself():
    lens = EquidistantLens((0, 0, 0, 0))
    ray = np.array([np.sin(2.0), 0, np.cos(2.0)])
    np.testing.assert_allclose(lens.project(ray), [2.0, 0], atol=1e-12)
    np.testing.assert_allclose(lens.unproject([2.0, 0]), ray, atol=1e-12)
    assert lens.max_angle == np.pi


def test_the_field_of_view_ends_where_the_polynomial_turns():
    # r - r^3 / 3 turns at r = 1, where its value is 2 / 3.
    lens = PlumbBobLens((-1 / 3, 0, 0, 0))
    assert lens.max_angle == pytest.approx(np.pi / 4)
    assert np.isfinite(lens.project([0.99, 0, 1])).all() and np.isnan(lens.project([1.01, 0, 1])).all()
    assert np.isfinite(lens.unproject([0.66, 0])).all() and np.isnan(lens.unproject([0.67, 0])).all()
    # The same of an angle: t - t^3 / 3.
    fisheye = EquidistantLens((-1 / 3, 0, 0, 0))
    assert fisheye.max_angle == pytest.approx(1)
    assert np.isnan(fisheye.project([np.tan(1.01), 0, 1])).all() and np.isnan(fisheye.unproject([0.67, 0])).all()
    # 1 / (1 - s) has its pole at r = 1.
    assert RationalLens((0, 0, 0, 0, 0, -1, 0, 0)).max_angle == pytest.approx(np.pi / 4)
    # Polynomials that only grow have no limit but the pinhole's own.
    assert PlumbBobLens((0.1, 0, 0, 0)).max_angle == pytest.approx(np.pi / 2)


@pytest.mark.parametrize('lens', [Lens(), *LENS_EXAMPLES[:3]], ids=lambda lens: lens.MODEL)
def test_what_is_behind_has_no_image(lens):
    assert np.isnan(lens.project([[0.1, 0, -1], [0.1, 0, 0]])).all()


def test_wrong_coefficients_are_refused():
    with pytest.raises(ValueError, match="'plumb_bob' takes 4 or 5 coefficients, found 3"):
        LENSES['plumb_bob']((1, 2, 3))
    with pytest.raises(ValueError, match='finite'):
        EquidistantLens((np.nan, 0, 0, 0))
    with pytest.raises(ValueError, match='tilted'):
        RationalLens((0,) * 13 + (0.1,))
    assert RationalLens((0.1,) + (0,) * 13).max_angle > 0
