"""The built-in world through lenses: where a ray's pixel lies is OpenCV's or a written-out formula's word, not ours."""

import json

import cv2
import numpy as np
import pytest

from fsmde.datasets import DDADDataset
from fsmde.image_files import load_image
from fsmde.lenses import EquidistantLens, FThetaBackwardLens, FThetaLens, MeiLens
from fsmde.masks import load_visible
from fsmde.synthetic import make_world, trivial_abs_rel
from fsmde.synthetic.dgp import lens_fields
from fsmde.synthetic.looks import draw_look
from fsmde.synthetic.raycast import RayPart, RayWorld
from fsmde.synthetic.render import Renderer
from fsmde.synthetic.rigs import FISHEYE, FISHEYES, LENSES, Camera
from fsmde.synthetic.shapes import box

TINY = dict(train_scenes=1, val_scenes=0, test_scenes=0, frames_per_scene=1, size=(96, 160))
FORWARD = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 2], [0, 0, 0, 1]], np.float64)  # 2 m above the ground
WIDE = [
    EquidistantLens((0, 0, 0, 0)),
    MeiLens((2.0, 0.02, 1.5, 0.001, 0.001)),
    FThetaLens((0.05, -0.1)),
    FThetaBackwardLens((0.01, -0.02)),
]


@pytest.fixture(scope='module')
def ground():
    """Ground at z = 0 under a sky, and the own car's stand-in far behind."""
    solids = [
        box(*sides, centre=centre, material=0, colour=(0.5, 0.5, 0.5))
        for sides, centre in (((400, 400, 1), (0, 0, -1)), ((1, 1, 1), (-50, 0, 5)))
    ]
    return Renderer(
        RayWorld([RayPart(solid) for solid in solids]), draw_look(np.random.default_rng(0), 'student', 'day')
    )


def camera_of(lens, focal=24.0, circle=None):
    return Camera('FRONT', np.array([[focal, 0, 40], [0, focal, 24], [0, 0, 1]]), np.eye(4), (48, 80), lens, circle)


@pytest.mark.parametrize('lens', WIDE, ids=lambda lens: lens.MODEL)
def test_depth_of_wide_lenses_is_distance_to_the_ground(ground, lens):
    """A ray at a distance d that looks down by a meets the ground 2 m below at d = 2 / sin(a), in front and behind."""
    camera = camera_of(lens, 24 * (3 if isinstance(lens, MeiLens) else 1))
    image, depth = ground.image(camera, FORWARD, np.random.default_rng(0))
    assert camera.measure == 'distance' and not depth[~camera.sees].any()
    v, u = np.nonzero(depth)
    assert len(v) > 1000
    down = camera.rays().reshape(48, 80, 3)[v, u, 1]
    np.testing.assert_allclose(depth[v, u], 2 / down, rtol=1e-6)
    # The points that were hit are projected back to the pixels' centres.
    back = lens.project(camera.rays().reshape(48, 80, 3)[v, u] * depth[v, u, None])
    np.testing.assert_allclose(back * camera.cam2img[[0, 1], [0, 1]] + [40, 24], np.stack([u, v], 1) + 0.5, atol=1e-6)


def test_an_equidistant_fisheye_by_hand(ground):
    camera = camera_of(EquidistantLens((0, 0, 0, 0)), 24.0, 180.0)
    image, depth = ground.image(camera, FORWARD, np.random.default_rng(0))
    # Right below the middle by 23.5 pixels the ray looks down by 23.5 / 24 radians, half a pixel beside.
    angle, across = np.hypot(0.5, 23.5) / 24, 23.5 / np.hypot(0.5, 23.5)
    assert depth[47, 40] == pytest.approx(2 / (np.sin(angle) * across), rel=1e-9)
    # The circle of 180 degrees has a radius of 12 pi = 37.7 pixels.
    assert camera.sees[24, 3] and not camera.sees[24, 1] and not image[:, :2].any() and not depth[:, :2].any()
    assert image[24, 3].any() and not ground.own_mask(camera, FORWARD)[24, 3]
    assert ground.own_mask(camera, FORWARD)[24, 1]


@pytest.mark.parametrize('model', LENSES)
def test_rays_are_those_that_opencv_projects_to_the_pixels(model):
    lens = LENSES[model]
    camera = camera_of(lens, 44.0)
    rays, K, zero = camera.rays(), camera.cam2img - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]], np.zeros(3)
    if model == 'equidistant':
        np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1)
        pixels = cv2.fisheye.projectPoints(rays[None], zero, zero, K, np.array(lens.coefficients))[0][0]
    else:
        np.testing.assert_array_equal(rays[:, 2], 1)
        pixels = cv2.projectPoints(rays, zero, zero, K, np.array(lens.coefficients))[0][:, 0]
    expected = np.stack(np.meshgrid(np.arange(80), np.arange(48)), -1).reshape(-1, 2)
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


@pytest.fixture(scope='module')
def worlds(tmp_path_factory):
    root = tmp_path_factory.mktemp('lenses')
    return {rig: make_world(root / str(rig), rig=rig, **TINY) for rig in (None, 'plumb_bob', 'fisheyes')}


def frame_of(root, folder='depth', **options):
    data = DDADDataset(
        data_root=str(root), pipeline=[], test_mode=True, dense_depth=folder + '/{camera}/{stem}.png', **options
    )
    return data.get_data_info(0)


def dense(frame):
    return [load_image(path, cv2.IMREAD_UNCHANGED) / 256 for path in frame['dense_depth_path']]


def test_a_lens_sees_the_same_world(worlds):
    """Streets, poses and LiDAR are those of the pinholes, depth is the same at the pixels that OpenCV says, within 0.1 %."""
    plain, bent = frame_of(worlds[None]), frame_of(worlds['plumb_bob'])
    for key in ('cam2img', 'cam2ego', 'lidar2cam'):
        np.testing.assert_array_equal(plain[key], bent[key])
    clouds = [next(worlds[rig].glob('0*/point_cloud/LIDAR/*.npz')).read_bytes() for rig in (None, 'plumb_bob')]
    assert clouds[0] == clouds[1] and 'lenses' not in plain and bent['lenses'] == [LENSES['plumb_bob']] * 6
    differences = []
    for K, through_pinhole, through_lens in zip(plain['cam2img'], dense(plain), dense(bent)):
        K = K - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
        v, u = np.nonzero(through_lens)
        straight = cv2.undistortPoints(
            np.stack([u, v], 1)[:, None].astype(float), K, np.array(LENSES['plumb_bob'].coefficients), P=K
        )[:, 0]
        # Of a plane inverse depth is linear in the pinhole's image: between pixels of one surface it is interpolated.
        place, inverse = straight.astype(np.float32), (1 / np.maximum(through_pinhole, 1e-3)).astype(np.float32)
        between = cv2.remap(inverse, place[:, None], None, cv2.INTER_LINEAR)[:, 0]
        corners = [
            through_pinhole[
                np.clip(place[:, 1] + dv, 0, 95).astype(int), np.clip(place[:, 0] + du, 0, 159).astype(int)
            ]
            for dv in (0, 1)
            for du in (0, 1)
        ]
        inside = (place > 0).all(1) & (place < [159, 95]).all(1)
        one = inside & (np.min(corners, 0) > 0) & (np.ptp(corners, 0) < 0.1 * np.min(corners, 0))
        differences.append(np.abs(through_lens[v, u] * between - 1)[one])
    differences = np.concatenate(differences)
    assert len(differences) > 10000 and np.median(differences) < 0.001


def test_fisheyes_on_disk(worlds):
    root = worlds['fisheyes']
    frame = frame_of(root, 'distance', cameras=list(FISHEYES), dense_depth_measure='distance')
    assert frame['lenses'] == [FISHEYE] * 4 and frame['dense_depth_measure'] == 'distance'
    assert not (root / '000000/depth').exists()
    (calibration,) = (json.loads(path.read_text()) for path in root.glob('000000/calibration/*.json'))
    assert (
        calibration['intrinsics'][1]['fisheye'] == 1 and calibration['intrinsics'][1]['k1'] == FISHEYE.coefficients[0]
    )
    points = np.load(frame['lidar_path'])['data'][:, :3]
    agreeing = 0
    for n, (name, distance) in enumerate(zip(FISHEYES, dense(frame))):
        mask = load_visible(str(root / f'masks/000000/{name}.png'), 255, (96, 160))
        image = load_image(frame['img_path'][n])
        # Beyond 95 degrees it is black, has no depth, and is not visible.
        u, v = np.meshgrid(np.arange(160) + 0.5, np.arange(96) + 0.5)
        K = frame['cam2img'][n]
        radius = np.hypot((u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1])
        t = np.radians(95)
        beyond = radius > t * np.polyval([*FISHEYE.coefficients[::-1], 1], t * t)
        assert 0.05 < beyond.mean() < 0.5 and not mask[beyond].any() and not distance[beyond].any()
        assert image[radius > 1.1 * radius[beyond].min()].mean() < 8 < 40 < image[~beyond].mean()
        assert 0.3 < mask.mean() < 0.9
        # LiDAR falls onto the dense distances, at the pixels of cv2.fisheye in front and of the formula everywhere.
        seen = points @ frame['lidar2cam'][n][:3, :3].T + frame['lidar2cam'][n][:3, 3]
        across = np.hypot(seen[:, 0], seen[:, 1])
        angle = np.arctan2(across, seen[:, 2])
        image_radius = angle * np.polyval([*FISHEYE.coefficients[::-1], 1], angle**2)
        at = seen[:, :2] / across[:, None] * image_radius[:, None]
        ahead = seen[:, 2] > 1
        D, zero = np.array(FISHEYE.coefficients), np.zeros(3)
        by_opencv = cv2.fisheye.projectPoints(seen[None, ahead], zero, zero, np.eye(3), D)[0][0]
        np.testing.assert_allclose(at[ahead], by_opencv, atol=1e-9)
        pixel = np.floor(at * K[[0, 1], [0, 1]] + K[:2, 2]).astype(int)
        inside = (angle < t) & (pixel >= 0).all(1) & (pixel < [160, 96]).all(1)
        pixel, range_ = pixel[inside], np.linalg.norm(seen[inside], axis=1)
        found = distance[pixel[:, 1], pixel[:, 0]]
        error = np.abs(found - range_)[found > 0] / range_[found > 0]
        assert len(error) > 1000 and np.median(error) < 0.02
        agreeing += (angle[inside] > np.pi / 2).sum()
    assert agreeing > 0  # Some of them are behind the camera's plane.


def test_what_a_lens_world_cannot_do(worlds, tmp_path):
    with pytest.raises(ValueError, match="rig is 'mei', expected one of .*'fisheyes'"):
        make_world(tmp_path / 'w', rig='mei', **TINY)
    with pytest.raises(ValueError, match="DGP has no fields for the lens 'mei'"):
        lens_fields(MeiLens((0.5, 0, 0, 0, 0)))
    with pytest.raises(ValueError, match='its cameras have lenses'):
        trivial_abs_rel(worlds['plumb_bob'], 'lidar', 'train')
    with pytest.raises(FileExistsError, match="another world .*rig None instead of 'fisheyes'"):
        make_world(worlds[None], rig='fisheyes', **TINY)
