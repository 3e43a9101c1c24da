"""Calibrations of KITTI-360's and NVIDIA's fisheyes, and what real images and depth say of them."""

import io
import json
import tarfile

import cv2
import numpy as np
import pytest
from processes import run_tool

from fsmde.lenses import FThetaBackwardLens, FThetaLens, MeiLens
from fsmde.rectification import pixel_centers
from fsmde.rig_file import read_rig
from fsmde.rig_formats import ftheta_camera, ocam_camera, rig_from_ftheta, rig_from_kitti360, rig_from_ocam

FISHEYE = """%YAML:1.0
---
model_type: MEI
camera_name: image_02
image_width: 1400
image_height: 1300
mirror_parameters:
   xi: 2.25
distortion_parameters:
   k1: 1.6798235660113681e-02
   k2: 1.65
   p1: 4.2223943394772046e-04
   p2: -4.2462134260997584e-04
projection_parameters:
   gamma1: 1336.
   gamma2: 1335.
   u0: 716.0
   v0: 605.0
"""
AHEAD = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
#: image_00 looks ahead: its x to the right, y down, z ahead, in a frame with x ahead, y right, z down.
POSES = """image_00: 0 0 1 1.57 1 0 0 0.1 0 1 0 -0.65
image_02: 1 0 0 0.7 0 0 -1 -0.2 0 1 0 -0.9
"""
PERSPECTIVE = """calib_time: 09-Mar-2021 13:01:44
S_rect_00: 1408.000000 376.000000
R_rect_00: 0 -1 0 1 0 0 0 0 1
P_rect_00: 552.55 0 682.05 0 0 552.55 238.77 0 0 0 1 0
"""


@pytest.fixture
def kitti360(tmp_path):
    for name, text in dict(image_02_yaml=FISHEYE, calib_cam_to_pose_txt=POSES, perspective_txt=PERSPECTIVE).items():
        stem, ending = name.rsplit('_', 1)
        (tmp_path / f'{stem}.{ending}').write_text(text)
    return tmp_path


def test_kitti_360(kitti360, tmp_path):
    left, ahead = rig_from_kitti360(kitti360, ['02', '00']).cameras
    assert left.name == 'image_02' and left.size == (1400, 1300) and ahead.size == (1408, 376)
    assert left.lens == MeiLens((2.25, 1.6798235660113681e-02, 1.65, 4.2223943394772046e-04, -4.2462134260997584e-04))
    # Pixels are OpenCV's, whose first one has its centre at 0.
    assert left.cam2img.tolist() == [[1336, 0, 716.5], [0, 1335, 605.5], [0, 0, 1]]
    assert ahead.cam2img.tolist() == [[552.55, 0, 682.55], [0, 552.55, 239.27], [0, 0, 1]]
    # In x ahead, y left, z up: 02 looks to the left with its x ahead.
    expected = [[1, 0, 0, 0.7], [0, 0, 1, 0.2], [0, -1, 0, 0.9], [0, 0, 0, 1]]
    np.testing.assert_array_equal(left.cam2ego, expected)
    # 00 is rectified by a quarter turn: a rectified camera's point (x, y, z) is the original's (y, -x, z).
    np.testing.assert_allclose(ahead.cam2ego @ [1, 2, 3, 1], [3 + 1.57, -2 - 0.1, 1 + 0.65, 1], atol=1e-12)
    (kitti360 / 'calib_cam_to_pose.txt').unlink()
    assert not rig_from_kitti360(kitti360, ['02']).has_poses


def test_kitti_360_by_the_tool(kitti360, tmp_path):
    code, printed = run_tool(
        'dataset_converters/make_rig.py',
        tmp_path / 'r.yaml',
        'kitti360',
        kitti360,
        '--cameras',
        '02',
        log=tmp_path / 'log',
    )
    assert code == 0 and '1 cameras with poses' in printed
    written, read = rig_from_kitti360(kitti360, ['02'])['image_02'], read_rig(tmp_path / 'r.yaml')['image_02']
    assert read.lens == written.lens and read.cam2img.tolist() == written.cam2img.tolist()


@pytest.mark.parametrize(
    'old, new, message',
    [
        ('MEI', 'PINHOLE', "model_type: expected MEI, found 'PINHOLE'"),
        ('   xi: 2.25\n', '', 'image_02.yaml'),
        ('2.25', 'wide', 'mirror_parameters: xi: expected a number'),
        ('gamma1: 1336.', 'gamma1: [', 'no YAML'),
        ('u0: 716.0', 'u0: 71600.0', 'outside the image'),
    ],
)
def test_kitti_360_that_is_damaged(kitti360, old, new, message):
    file = kitti360 / 'image_02.yaml'
    file.write_text(FISHEYE.replace(old, new))
    with pytest.raises(ValueError, match=message):
        rig_from_kitti360(kitti360, ['02'])
    file.unlink()
    with pytest.raises(FileNotFoundError, match='image_02.yaml'):
        rig_from_kitti360(kitti360, ['02'])


def test_ftheta_by_hand():
    forward = ftheta_camera('A', [300, 200, 640, 480, 0, 400, 40, -8, 0, 0, 0])
    assert forward.size == (640, 480) and forward.cam2img.tolist() == [[400, 0, 300.5], [0, 400, 200.5], [0, 0, 1]]
    assert forward.lens == FThetaLens((0.1, -0.02, 0, 0))
    # An angle of half a radian lies 400 / 2 + 40 / 4 - 8 / 8 = 209 pixels from the axis.
    x, y = forward.lens.project([np.sin(0.5), 0, np.cos(0.5)])
    assert 400 * x == pytest.approx(209) and y == 0
    backward = ftheta_camera('B', [300, 200, 640, 480, 0, 0.0025, 1e-7, 0, 0, 0, 1, 1, 0, 0])
    assert backward.cam2img[0, 0] == 400 and backward.lens.coefficients == pytest.approx((0.016, 0, 0, 0))
    # 200 pixels are 0.5 + 0.004 radians.
    assert backward.lens.unproject([0.5, 0]) == pytest.approx([np.sin(0.504), 0, np.cos(0.504)])
    skewed = ftheta_camera('C', [300, 200, 640, 480, 0, 400, 40, -8, 0, 0, 0, 0.99, 0.001, 0])
    np.testing.assert_allclose(skewed.cam2img[0], [396, 0.4, 300.5])


@pytest.mark.parametrize(
    'values',
    [
        [300, 200, 640, 480, 0, 400, 40, -8, 0, 0],
        [300, 200, 640, 480, 1.5, 400, 40, -8, 0, 0, 0],
        [300, 200, 640, 480, 0, -400, 40, -8, 0, 0, 0],
        [300, 200, 640, 480, 0, 400, 40, -8, 0, 0, 2],
        [300, 200, 640, 480, 0, 400, 40, -8, 0, 0, 0, 1, 0],
        [300, 200, 640, 480, 0, 400, np.nan, -8, 0, 0, 0],
        ['a'] * 11,
    ],
)
def test_ftheta_that_cannot_be(values):
    with pytest.raises(ValueError, match='camera A: '):
        ftheta_camera('A', values)


def test_ftheta_files_that_are_none(tmp_path):
    path = tmp_path / 'clip.tar'
    with pytest.raises(FileNotFoundError, match='clip.tar'):
        rig_from_ftheta(path)
    path.write_bytes(b'no tar')
    with pytest.raises(ValueError, match='clip.tar: no tar file'):
        rig_from_ftheta(path)
    pickled = io.BytesIO()
    np.save(pickled, np.array([print], dtype=object), allow_pickle=True)
    for name in ('clip.vehicle_pose.npy', 'clip.ftheta_intrinsic.front.npy'):
        with tarfile.open(path, 'w') as archive:
            member = tarfile.TarInfo(name)
            member.size = len(pickled.getvalue())
            archive.addfile(member, io.BytesIO(pickled.getvalue()))
        with pytest.raises(ValueError, match='clip.tar: (it has no|Object arrays cannot be loaded)'):
            rig_from_ftheta(path)


def test_linear_terms_are_intrinsics_and_a_turn():
    """The image's offset is [[c, d], [e, 1]] times the radial one, whatever becomes of the matrix."""
    numbers, pose = [300, 200, 640, 480, 0, 400, 40, -8, 0, 0, 0], np.eye(4)
    pose[:3, :3], pose[:3, 3] = cv2.Rodrigues(np.array([-1.2, 1.2, -1.2]))[0], [1.5, 0.2, 1.4]
    plain = ftheta_camera('A', numbers, pose)
    bent = ftheta_camera('A', [*numbers, 0.98, 0.03, -0.02], pose)
    rng = np.random.default_rng(0)
    points = rng.uniform([-4, -4, 2], [4, 4, 6], (50, 3))
    radial = plain.lens.project(points) * 400
    ego = np.c_[points, np.ones(50)] @ pose.T
    in_bent = (ego @ np.linalg.inv(bent.cam2ego).T)[:, :3]
    pixels = bent.lens.project(in_bent) @ bent.cam2img[:2, :2].T + bent.cam2img[:2, 2]
    np.testing.assert_allclose(pixels, radial @ [[0.98, -0.02], [0.03, 1]] + [300.5, 200.5], atol=1e-9)


def ocam_by_formula(affine, polynomial, points):
    """As the README of the real ones has it: angles from x / z and y / z, for points ahead."""
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    r = np.hypot(x, y)
    rho = np.polynomial.polynomial.polyval(np.arctan(-1 / r), polynomial)
    return np.stack([x / r * rho, y / r * rho], 1) @ np.array(affine)[:2, :2].T + np.array(affine)[:2, 2]


def test_real_ocam_cameras(sample_data, tmp_path):
    files = sorted((sample_data / 'other_rigs/fisheye_avm_opencalib_ocam/intrinsic').glob('*.json'))
    if not files:
        pytest.skip('no other_rigs there')
    code, printed = run_tool(
        'dataset_converters/make_rig.py', tmp_path / 'r.yaml', 'ocam', *files, log=tmp_path / 'log'
    )
    assert code == 0 and '4 cameras without poses: Back, Front, Left, Right' in printed
    points = np.random.default_rng(0).uniform([-9, -9, 0.5], [9, 9, 3], (500, 3))
    for file, camera in zip(files, read_rig(tmp_path / 'r.yaml').cameras):
        (entry,) = json.loads(file.read_text()).values()
        affine, (polynomial,) = entry['param']['cam_K']['data'], entry['param']['cam_dist']['data']
        turned = ocam_camera(file.stem, camera.size, affine, polynomial, AHEAD)
        assert camera.lens == turned.lens and camera.size == (1280, 960)
        assert camera.lens.max_angle > np.radians(95)
        in_camera = points @ (np.linalg.inv(turned.cam2ego) @ AHEAD)[:3, :3].T
        pixels = camera.lens.project(in_camera) @ camera.cam2img[:2, :2].T + camera.cam2img[:2, 2]
        # A constant of 0.006 pixels is left out; OpenCV's pixels begin at 0, ours at 0.5.
        np.testing.assert_allclose(pixels, ocam_by_formula(affine, polynomial, points) + 0.5, atol=0.01)


@pytest.mark.parametrize(
    'affine, polynomial',
    [
        ([[1, 0, 640], [0, 2, 480], [0, 0, 1]], [500, 500 / (np.pi / 2)]),
        ([[1, 0, 640], [0, 1, 480], [0, 1, 1]], [500, 500 / (np.pi / 2)]),
        ([[1, 0, 640], [0, 1, 480], [0, 0, 1]], [500, 300]),
        ([[1, 0, 640], [0, 1, 480], [0, 0, 1]], [-500, -500 / (np.pi / 2)]),
        ([[1, 0, 640], [0, 1, 480], [0, 0, 1]], [500, np.nan]),
    ],
)
def test_ocam_that_cannot_be(affine, polynomial, tmp_path):
    with pytest.raises(ValueError, match='camera A: OCam has'):
        ocam_camera('A', (1280, 960), affine, polynomial)
    (tmp_path / 'A.json').write_text('{"A": {"param": {"img_dist_w": 1280}}}')
    with pytest.raises(ValueError, match='A.json is not in the format of OpenCalib'):
        rig_from_ocam([tmp_path / 'A.json'])


def test_real_ftheta_cameras_have_the_fields_of_view_of_their_names(sample_data):
    folder = sample_data / 'other_rigs/rig_descriptions/nvidia_rdshq_ftheta'
    if not folder.is_dir():
        pytest.skip('no other_rigs there')
    (path,) = (folder / 'ftheta_intrinsic').glob('*.tar')
    rig = rig_from_ftheta(path)
    assert len(rig.cameras) == 7 and {type(camera.lens) for camera in rig.cameras} == {FThetaLens, FThetaBackwardLens}
    with tarfile.open(next((folder / 'pinhole_intrinsic').glob('*.tar'))) as archive:
        pinholes = {
            member.name.split('.')[-2]: np.load(io.BytesIO(archive.extractfile(member).read())) for member in archive
        }
    for camera in rig.cameras:
        border = (
            np.array([[0, camera.cam2img[1, 2]], [1920, camera.cam2img[1, 2]]]) - camera.cam2img[:2, 2]
        ) / camera.cam2img[0, 0]
        left, right = camera.lens.unproject(border)
        degrees = np.degrees(np.arctan2(right[0], right[2]) - np.arctan2(left[0], left[2]))
        assert degrees == pytest.approx(
            int(camera.name[-6:-3]) if '120' in camera.name else int(camera.name[-5:-3]), abs=1.2
        )
        # Near the axis it is the pinhole that NVIDIA states beside it.
        fx, fy, cx, cy = pinholes[camera.name][:4]
        ray = np.array([0.02, -0.01, 1])
        expected = [fx * 0.02 + cx + 0.5, fy * -0.01 + cy + 0.5]
        found = camera.cam2img @ [*camera.lens.project(ray), 1]
        np.testing.assert_allclose(found[:2], expected, atol=0.15)


def test_real_kitti_360_depth_is_a_level_road(sample_data):
    """Its README: as range along the ray the road is one plane 1.85 m below, as z-depth it is not."""
    folder = sample_data / 'other_rigs/kitti360_fisheye'
    if not folder.is_dir():
        pytest.skip('no other_rigs there')
    camera = rig_from_kitti360(folder / 'calibration_transcribed')['image_02']
    depth = cv2.imread(str(folder / 'kitti360_depth.png'), cv2.IMREAD_UNCHANGED) / 256.0
    pixels = pixel_centers(*depth.shape)[depth > 0]
    rays = camera.lens.unproject((pixels - camera.cam2img[:2, 2]) / camera.cam2img[[0, 1], [0, 1]])
    assert np.isfinite(rays).all()
    distance = depth[depth > 0]
    near = (distance < 15) & (rays[:, 1] > 0.1)
    normal, height, share = plane_of(rays[near] * distance[near, None])
    assert normal @ [0, -1, 0] > 0.998 and height == pytest.approx(1.85, abs=0.05) and share > 0.25
    by_z = near & (rays[:, 2] > 0.1)
    assert plane_of(rays[by_z] * (distance[by_z] / rays[by_z, 2])[:, None])[2] < 0.6 * share


def plane_of(points):
    """The plane with most of the points within 5 cm, of 500 through three of them: unit normal, distance, their share."""
    rng, best = np.random.default_rng(0), (None, 0, -1)
    for _ in range(500):
        a, b, c = points[rng.choice(len(points), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        normal /= max(np.linalg.norm(normal), 1e-9)
        normal *= -np.sign(normal[1]) or 1
        share = float((np.abs((points - a) @ normal) < 0.05).mean())
        if share > best[2]:
            best = (normal, -float(a @ normal), share)
    return best
