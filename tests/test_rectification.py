import cv2
import numpy as np
import pytest
from test_lenses import LENS_EXAMPLES

from fsmde.lenses import EquidistantLens, Lens, PlumbBobLens
from fsmde.rectification import Rectifier
from fsmde.rig_camera import RigCamera
from fsmde.virtual_cameras import to_original_pixels

WIDTH, HEIGHT = 640, 400
K = np.array([[420.0, 0, 330.2], [0, 415.0, 190.7], [0, 0, 1]])


def opencv_pixels(lens, points):
    """Where OpenCV sees (P, 3) points, in our image coordinates: its first pixel has its centre at 0."""
    zero, D = np.zeros(3), np.array(lens.coefficients)
    shifted = K - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    if isinstance(lens, EquidistantLens):
        return cv2.fisheye.projectPoints(points[None], zero, zero, shifted, D)[0][0] + 0.5
    return cv2.projectPoints(points, zero, zero, shifted, D)[0][:, 0] + 0.5


def points_seen(lens, count=500):
    """Points that both the original and the rectified image of a camera show, a pixel from their borders."""
    rng = np.random.default_rng(0)
    pixels = rng.uniform([2, 2], [WIDTH - 2, HEIGHT - 2], (20 * count, 2))
    points = np.concatenate([pixels, np.ones((len(pixels), 1))], 1) @ np.linalg.inv(K).T
    points *= rng.uniform(1, 80, (len(points), 1))
    within = np.arctan(np.linalg.norm(points[:, :2], axis=1) / points[:, 2]) < 0.97 * lens.max_angle
    points, pixels = points[within], pixels[within]
    original = opencv_pixels(lens, points)
    both = ((original > 2) & (original < [WIDTH - 2, HEIGHT - 2])).all(1)
    return points[both][:count], pixels[both][:count], original[both][:count]


lenses = pytest.mark.parametrize('lens', LENS_EXAMPLES, ids=lambda lens: lens.MODEL)


@lenses
def test_points_land_where_the_rectified_camera_says(lens):
    rectifier = Rectifier(RigCamera('A', (WIDTH, HEIGHT), K, lens))
    _, rectified, original = points_seen(lens)
    assert len(original) == 500
    at = (rectified - 0.5).astype(np.float32)
    found = np.stack([bilinear(rectifier.original_of[..., i], at) for i in range(2)], -1)
    assert np.abs(found - original).max() < 0.01


def bilinear(values, at):
    """Values at (P, 2) column and row; OpenCV's own would round the places to 1/32."""
    low = np.floor(at).astype(int)
    x, y = (at - low).T
    (column, row) = low.T
    top = values[row, column] * (1 - x) + values[row, column + 1] * x
    return top * (1 - y) + (values[row + 1, column] * (1 - x) + values[row + 1, column + 1] * x) * y


@lenses
def test_a_dot_in_the_image_moves_to_where_the_rectified_camera_says(lens):
    rectifier = Rectifier(RigCamera('A', (WIDTH, HEIGHT), K, lens))
    _, rectified, original = points_seen(lens)
    v, u = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    for there, here in list(zip(original, rectified))[:5]:
        image = np.exp(-((u - there[0]) ** 2 + (v - there[1]) ** 2) / 18).astype(np.float32)
        moved = rectifier(image)
        near = (np.abs(u - here[0]) < 8) & (np.abs(v - here[1]) < 8)
        weight = moved[near] ** 2
        centre = np.array([(u[near] * weight).sum(), (v[near] * weight).sum()]) / weight.sum()
        # A dot of 3 pixels is itself distorted; the other convention of pixels would show half a pixel.
        assert np.abs(centre - here).max() < 0.35


@lenses
def test_depth_returns_to_the_original_pixels(lens):
    camera = RigCamera('A', (WIDTH, HEIGHT), K, lens)
    # A tilted plane, whose inverse depth is linear in the rectified image's pixels: z = 20 / (1 + u / 640).
    u = np.arange(WIDTH // 2) * 2 + 1.0
    depth = np.tile(20 / (1 + u / WIDTH), (HEIGHT // 2, 1)).astype(np.float32)
    found = to_original_pixels(depth, camera)
    assert found.shape == (HEIGHT, WIDTH) and found.dtype == np.float32
    _, rectified, original = points_seen(lens)
    expected = 20 / (1 + rectified[:, 0] / WIDTH)
    column, row = original.astype(int).T
    # The pixel's centre is up to half a pixel from the point, the slope is at most 20 / 640 a pixel.
    assert np.abs(found[row, column] - expected).max() < 0.04


def test_a_lens_is_inverted_once_for_all_images_and_measures(monkeypatch):
    calls, unproject = [], PlumbBobLens.unproject
    monkeypatch.setattr(PlumbBobLens, 'unproject', lambda lens, plane: calls.append(lens) or unproject(lens, plane))
    depth = np.full((HEIGHT, WIDTH), 7, np.float32)
    # Of a rig file that is read again, of another frame: the numbers count, not the object.
    cameras = [RigCamera(name, (WIDTH, HEIGHT), K.copy(), PlumbBobLens((-0.21, 0.1, 0, 0))) for name in 'AB']
    z, far, distance = (
        to_original_pixels(depth * factor, camera, measure)
        for camera, factor, measure in zip([*cameras, cameras[0]], (1, 2, 1), ('z_depth', 'z_depth', 'distance'))
    )
    assert len(calls) == 1
    np.testing.assert_array_equal(far, 2 * z)
    # Depth of 7 m along a ray 45 degrees off is 7 sqrt(2) m away: z over the distance is the cosine of the ray's angle.
    rays = unproject(
        cameras[0].lens,
        (np.stack(np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5), -1) - K[:2, 2]) / [420, 415],
    )
    seen = z > 0
    assert seen.mean() > 0.5
    np.testing.assert_allclose((z / np.where(seen, distance, 1))[seen], rays[seen][:, 2], rtol=1e-5)


def test_what_the_lens_does_not_see_is_black_and_what_the_frame_cuts_has_no_depth():
    # A pincushion lens: the rectified frame is larger than the image. A barrel lens: it is smaller.
    pincushion = RigCamera('A', (WIDTH, HEIGHT), K, PlumbBobLens((0.3, 0, 0, 0)))
    rectifier = Rectifier(pincushion)
    image = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    assert not rectifier.visible[0, 0] and rectifier.visible[HEIGHT // 2, WIDTH // 2]
    assert (rectifier(image)[0, 0] == 0).all() and (rectifier(image)[HEIGHT // 2, WIDTH // 2] == 200).all()
    barrel = RigCamera('A', (WIDTH, HEIGHT), K, PlumbBobLens((-0.2, 0, 0, 0)))
    assert Rectifier(barrel).visible.all()
    depth = np.full((100, 160), 7, np.float32)
    assert to_original_pixels(depth, barrel)[0, 0] == 0 and to_original_pixels(depth, barrel)[200, 320] == 7
    assert (to_original_pixels(depth, RigCamera('A', (WIDTH, HEIGHT), K, Lens())) == 7).all()


def test_a_folding_lens_shows_nothing_twice():
    # r - r^3 / 3 turns at 45 degrees, which this frame of 90 degrees' width reaches at its left and right borders only.
    lens = PlumbBobLens((-1 / 3, 0, 0, 0))
    wide = np.array([[200.0, 0, 320], [0, 200, 200], [0, 0, 1]])
    rectifier = Rectifier(RigCamera('A', (WIDTH, HEIGHT), wide, lens))
    u = np.arange(WIDTH) + 0.5
    np.testing.assert_array_equal(rectifier.visible[200], np.abs(u - 320) < 200)
    assert (rectifier(np.full((HEIGHT, WIDTH), 255, np.uint8))[200, np.abs(u - 320) > 202] == 0).all()
