import cv2
import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from fsmde.lenses import (
    LENSES,
    EquidistantLens,
    FThetaBackwardLens,
    FThetaLens,
    Lens,
    MeiLens,
    PlumbBobLens,
    RationalLens,
)

LENS_EXAMPLES = [
    PlumbBobLens((-0.2946, 0.0741, 0.0008, -0.0003)),
    # A front camera of the Waymo Open Dataset, and a front camera of a car park assistant.
    PlumbBobLens((0.04036, -0.33002, 0.00104, -0.00157, 0.0)),
    RationalLens((0.4539, -2.6755, 0.0003, -0.0002, 1.5467, 0.3329, -2.4985, 1.4725)),
    EquidistantLens((-0.03367, 0.01538, -0.01865, 0.00581)),
]
#: KITTI-360's left fisheye, a mirror with a barrel's distortion, and two cameras of NVIDIA's f-theta rig.
KITTI_360 = MeiLens(
    (2.213404750785489, 0.016798235660113681, 1.6548773243373522, 4.2223943394772046e-4, 4.2462134260997584e-4)
)
MIRROR = MeiLens((0.9, -0.1, 0.01, 1e-3, -2e-3))
REAR_LEFT = FThetaLens((0.06172523, -0.16254812, 0.09600205, 0.06236037))
FRONT_WIDE = FThetaBackwardLens((0.00734186, -0.02869754, 0.06453494, -0.02226766))
WIDE_EXAMPLES = [KITTI_360, MIRROR, REAR_LEFT, FRONT_WIDE]
ALL_EXAMPLES = [Lens(), *LENS_EXAMPLES, *WIDE_EXAMPLES]
all_lenses = pytest.mark.parametrize('lens', ALL_EXAMPLES, ids=lambda lens: lens.MODEL)


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


def mei_by_formula(lens, rays):
    """``CameraFisheye.cam2image`` of kitti360scripts (helpers/project.py), and what camodocal adds for p1 and p2."""
    xi, k1, k2, p1, p2 = lens.coefficients
    x, y, z = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).T
    x, y = x / (z + xi), y / (z + xi)
    ro2 = x * x + y * y
    factor = 1 + k1 * ro2 + k2 * ro2 * ro2
    return np.stack(
        [x * factor + 2 * p1 * x * y + p2 * (ro2 + 2 * x * x), y * factor + p1 * (ro2 + 2 * y * y) + 2 * p2 * x * y], 1
    )


@pytest.mark.parametrize('lens', [KITTI_360, MIRROR], ids=['kitti_360', 'mirror'])
def test_mei_is_kitti_360s(lens):
    rays = rays_within(lens, 180)
    np.testing.assert_allclose(lens.project(rays), mei_by_formula(lens, rays), atol=1e-12)
    assert (rays[:, 2] < 0).any()


def test_mei_by_hand():
    # With xi = 1 the image is stereographic: radius tan(angle / 2). With xi = 0 the lens is plumb_bob.
    rays = rays_within(EquidistantLens((0, 0, 0, 0)), 170)
    angle = np.arctan2(np.hypot(rays[:, 0], rays[:, 1]), rays[:, 2])
    radius = np.linalg.norm(MeiLens((1, 0, 0, 0, 0)).project(rays), axis=1)
    np.testing.assert_allclose(radius, np.tan(angle / 2), rtol=1e-12)
    rays, plumb_bob = rays_within(Lens(), 60), (-0.05, 0.01, 0.001, -0.002)
    np.testing.assert_allclose(
        MeiLens((0, *plumb_bob)).project(rays), PlumbBobLens(plumb_bob).project(rays), atol=1e-12
    )
    # The sphere's image turns where the line of sight touches it: cos(angle) = -1 / xi, or -xi.
    assert MeiLens((2, 0, 0, 0, 0)).max_angle == pytest.approx(np.radians(120))
    assert MeiLens((0.5, 0, 0, 0, 0)).max_angle == pytest.approx(np.radians(120))
    # r - r^3 / 3 turns at r = 1, of which the stereographic ray is at 90 degrees.
    folding = MeiLens((1, -1 / 3, 0, 0, 0))
    assert folding.max_angle == pytest.approx(np.pi / 2)
    assert np.isfinite(folding.project([0.999, 0, 0.001])).all() and np.isnan(folding.project([1, 0, -0.001])).all()


def test_ftheta_by_hand():
    ray = [3 * np.sin(0.5), 0, 3 * np.cos(0.5)]
    assert FThetaLens((0.1, -0.2)).project(ray) == pytest.approx([0.5 + 0.1 * 0.25 - 0.2 * 0.125, 0])
    # Backwards the polynomial of the radius is the angle: of 0.4 it is 0.4 + 0.1 * 0.16 - 0.2 * 0.064 = 0.4032.
    assert FThetaBackwardLens((0.1, -0.2)).unproject([0, 0.4]) == pytest.approx([0, np.sin(0.4032), np.cos(0.4032)])
    # t - t^2 / 4 turns at t = 2 with the value 1; backwards that is an angle of 1 at the radius 2.
    lens, backward = FThetaLens((-0.25,)), FThetaBackwardLens((-0.25,))
    assert lens.max_angle == pytest.approx(2) and backward.max_angle == pytest.approx(1)
    assert np.isfinite(lens.unproject([0.99, 0])).all() and np.isnan(lens.unproject([1.01, 0])).all()
    assert np.isfinite(backward.unproject([1.99, 0])).all() and np.isnan(backward.unproject([2.01, 0])).all()
    assert np.isnan(backward.project([np.sin(1.01), 0, np.cos(1.01)])).all()
    # A line has no turn, but there is no angle beyond 180 degrees.
    assert FThetaLens((0,)).max_angle == FThetaBackwardLens((0,)).max_angle == np.pi


@pytest.mark.parametrize('lens', [*LENS_EXAMPLES[3:], *WIDE_EXAMPLES], ids=lambda lens: lens.MODEL)
def test_inverses_are_those_of_a_root_finder(lens):
    """Along the plane's x axis, where tangential parts are left out; for the backward model it is the projection."""
    lens = type(lens)((*lens.coefficients[:3], 0, 0)) if isinstance(lens, MeiLens) else lens

    def radius(angle):
        return lens.project([np.sin(angle), 0, np.cos(angle)])[0]

    def angle(radius):
        x, _, z = lens.unproject([radius, 0])
        return np.arctan2(x, z)

    forward, backward, last = radius, angle, 0.98 * lens.max_angle
    if isinstance(lens, FThetaBackwardLens):
        forward, backward, last = angle, radius, radius(last)
    for share in (0.001, 0.1, 0.37, 0.7, 0.93, 0.995):
        value = share * forward(last)
        assert backward(value) == pytest.approx(
            brentq(lambda x, v=value: forward(x) - v, 0, last, xtol=1e-15), abs=1e-12
        )


@all_lenses
def test_unprojection_inverts_projection(lens):
    rays = rays_within(lens, 88 if lens.max_angle <= np.pi / 2 else 180)
    expected = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    np.testing.assert_allclose(lens.unproject(lens.project(rays)), expected, atol=1e-12)
    np.testing.assert_allclose(lens.unproject([0.0, 0.0]), [0, 0, 1], atol=1e-15)
    np.testing.assert_array_equal(lens.project([0.0, 0.0, 2.0]), [0, 0])


@all_lenses
def test_nothing_folds_back(lens):
    """Rays around the field of view's end: the images move outwards to it, and there are none beyond."""
    end = lens.max_angle
    for around in np.arange(8) * np.pi / 4:
        angle = np.linspace(0, np.pi, 2000)
        rays = np.stack([np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around), np.cos(angle)], -1)
        radius = np.linalg.norm(lens.project(rays), axis=-1)
        seen = np.isfinite(radius)
        np.testing.assert_array_equal(seen, angle < end)
        # A tangential part moves the turn a little, which is neglected.
        assert (np.diff(radius[seen & (angle < 0.98 * end)]) > 0).all()
    assert np.isnan(lens.project([np.nan, 0, 1])).any() and np.isnan(lens.unproject([np.nan, 0])).all()


@all_lenses
@pytest.mark.parametrize('dtype, tolerance', [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_torch_is_numpy(lens, dtype, tolerance):
    rays = rays_within(lens, 80 if lens.max_angle <= np.pi / 2 else 175)
    rays[::7, 2] = -100 * np.abs(rays[::7]).max()  # Behind what any of them sees.
    expected = lens.project(rays)
    points = lens.project(torch.tensor(rays, dtype=dtype))
    assert points.dtype == dtype
    np.testing.assert_allclose(points.numpy(), expected, rtol=tolerance, atol=tolerance)
    back = lens.unproject(points)
    assert back.dtype == dtype
    np.testing.assert_allclose(back.numpy(), lens.unproject(expected), atol=tolerance)


@all_lenses
def test_a_trace_knows_other_points(lens):
    """The inverse has no branch that depends on the points."""
    points = torch.tensor(lens.project(rays_within(lens, 80)))
    traced = torch.jit.trace(lens.unproject, points[:5])
    torch.testing.assert_close(traced(points), lens.unproject(points), atol=0, rtol=0)


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
    with pytest.raises(ValueError, match='xi must not be negative'):
        MeiLens((-1, 0, 0, 0, 0))
    with pytest.raises(ValueError, match="'ftheta' takes 1 or 2 or .* coefficients, found 0"):
        FThetaLens()
