"""Real images with lenses, rectified, against OpenCV and against their LiDAR."""

import json

import cv2
import numpy as np
import pytest
from pcd import read_compressed_pcd

from fsmde.datasets import LoadSurroundImages, ProjectLidarDepth, RectifyViews
from fsmde.lenses import EquidistantLens, MeiLens, PlumbBobLens
from fsmde.rectification import Rectifier, rectify
from fsmde.rig import project_points, unproject_depth
from fsmde.rig_camera import RigCamera
from fsmde.virtual_cameras import rectifiers_of
from fsmde.virtual_view import VirtualView
from fsmde.visualization.edge_alignment import find_edge_shift

HALF = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
SIDES = dict(left=60, ahead=0, right=-60)
THREE = tuple(VirtualView(480, 480, 80, name, azimuth=azimuth) for name, azimuth in SIDES.items())


@pytest.fixture
def other_rigs(sample_data):
    folder = sample_data / 'other_rigs'
    if not folder.is_dir():
        pytest.skip(f'{folder} is not there')
    return folder


def test_waymos_five_cameras_are_undistorted_as_by_opencv(other_rigs):
    folder = other_rigs / 'waymo_pvps/extracted'
    for name, camera in json.loads((folder / 'meta.json').read_text())['cameras'].items():
        fx, fy, cx, cy, *D = camera['intrinsic_fu_fv_cu_cv_k1_k2_p1_p2_k3']
        K, image = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), cv2.imread(str(folder / f'{name}.jpg'))
        rectifier = Rectifier(RigCamera(name, (camera['width'], camera['height']), K, PlumbBobLens(tuple(D))))
        expected = cv2.undistort(image, K - HALF, np.array(D))
        seen = cv2.erode(rectifier.visible.astype(np.uint8), np.ones((3, 3)), borderValue=0) > 0
        difference = np.abs(rectifier(image).astype(int) - expected)[seen]
        assert seen.mean() > 0.98 and difference.max() <= 8 and difference.mean() < 0.01


def test_lidar_fits_a_distorted_image_once_it_is_rectified(other_rigs):
    folder = other_rigs / 'opencalib_lidar2camera/ours_1'
    lines = (line.split(':') for line in (folder / 'calib.txt').read_text().splitlines() if ':' in line)
    numbers = {key: np.array(values.split(), dtype=np.float64) for key, values in lines}
    K, D, lidar2cam = numbers['K'].reshape(3, 3), numbers['D'], np.eye(4)
    lidar2cam[:3] = numbers['T'].reshape(3, 4)
    points = read_compressed_pcd(folder / 'calib.pcd')
    frame = dict(
        frame_id='0', cam_names=['A'], img_path=[str(folder / 'calib.jpg')], cam2img=K[None] + HALF,
        lenses=[PlumbBobLens(tuple(D))], cam2ego=np.eye(4)[None], lidar2cam=lidar2cam[None], lidar_points=points,
    )  # fmt: skip
    results = ProjectLidarDepth()(RectifyViews()(LoadSurroundImages()(frame)))
    depth, image = results['gt_depth'][0], results['img'][0]
    assert 11_000 < (depth > 0).sum() < 14_000
    # LiDAR in the original image by OpenCV, and the places of the view's pixels in it by ours.
    in_camera = points @ lidar2cam[:3, :3].T + lidar2cam[:3, 3]
    hits = project_points(points, frame['lidar2cam'], frame['cam2img'], [(1200, 1920)])
    back = results['rectified'].rectifiers[0].original_of[hits.v, hits.u]
    pixels = cv2.projectPoints(in_camera[hits.index], np.zeros(3), np.zeros(3), K, D)[0][:, 0] + 0.5
    # A point is up to half a pixel from its pixel's centre, and distortion changes that by 3 %.
    assert np.abs(pixels - back).max() < 0.52 and (depth[hits.v, hits.u] > 0).all()
    # As browse_dataset.py measures it: LiDAR's edges are on the image's, to a pixel or two of 1920.
    shift = find_edge_shift(image[..., ::-1].transpose(2, 0, 1), depth)
    assert shift is not None and abs(shift) <= 2


def test_fisheyes_round_a_car_become_opencvs_pinholes(other_rigs):
    for name in ('front', 'left', 'back', 'right'):
        folder = other_rigs / 'fisheye_avm_dyfcalid' / name
        K, D = np.load(folder / f'camera_{name}_K.npy'), np.load(folder / f'camera_{name}_D.npy').ravel()
        image = cv2.imread(str(folder / f'{name}.jpg'))
        camera = RigCamera(name, image.shape[1::-1], K + HALF, EquidistantLens(tuple(D)), views=THREE)
        rectifiers = rectifiers_of(camera)
        for view, rectifier, azimuth in zip(rectify(image, rectifiers), rectifiers, SIDES.values()):
            R = cv2.Rodrigues(np.radians([0.0, azimuth, 0]))[0]
            new_K, size = rectifier.cam2img - HALF, (480, 480)
            maps = cv2.fisheye.initUndistortRectifyMap(K, D, R, new_K, size, cv2.CV_32FC1)
            expected = cv2.remap(image, *maps, cv2.INTER_LINEAR)
            # OpenCV knows rays in front of the camera only.
            rays = unproject_depth(np.ones(size), rectifier.cam2img) @ rectifier.view2cam.T
            seen = rectifier.visible & (rays[..., 2] > 0.1)
            difference = np.abs(view.astype(int) - expected)[seen]
            assert seen.mean() > 0.6 and difference.max() <= 12 and difference.mean() < 0.05


def test_the_road_of_a_range_map_is_level_in_the_views_of_a_fisheye(other_rigs):
    folder = other_rigs / 'kitti360_fisheye'
    values = json.loads((folder / 'kitti360_sample.json').read_text())['cam_params']
    ranges = cv2.imread(str(folder / 'kitti360_depth.png'), cv2.IMREAD_UNCHANGED) / np.float32(256)
    K = np.array([[values['fx'], 0, values['cx']], [0, values['fy'], values['cy']], [0, 0, 1]]) + HALF
    lens = MeiLens(tuple(values[key] for key in ('xi', 'k1', 'k2', 'p1', 'p2')))
    camera, normal = RigCamera('A', (1400, 1400), K, lens, views=THREE), np.array([-0.04, 0.999, 0.02])

    def near_the_road(measure):
        shares = []
        for rectifier in rectifiers_of(camera):
            depth = rectifier.dense(ranges, measure)
            points = unproject_depth(depth, rectifier.cam2img)[(depth > 0) & (depth < 20)] @ rectifier.view2cam.T
            assert len(points) > 5000
            shares.append((np.abs(points @ normal - 1.85) < 0.05).mean())
        return np.array(shares)

    # The README of the data found 35 % of the near points within 5 cm of that plane, by the ranges; two views have cars.
    by_range, by_z = near_the_road('distance'), near_the_road('z_depth')
    print(by_range, by_z)
    assert by_range[0] > 0.3 and (by_range > 2 * by_z).all()
