import numpy as np
import pytest
import torch
from mmdet3d.structures import LiDARPoints

from fsmde.datasets import NuScenesSurroundDataset, PseudoPointsFromDepth
from fsmde.datasets.transforms.pseudo_points import most_confident_in_voxels
from fsmde.poses import quaternion_to_matrix
from toy_dgp import camera_quaternion

H, W, FOCAL = 24, 32, 20.0
LIDAR_HEIGHT = 1.5


def plane_frame(azimuths=(20, -20), distance=10.0):
    """Cameras in the ego origin that see the plane x = distance; the LiDAR sits LIDAR_HEIGHT above."""
    cam2ego = np.stack([quaternion_to_matrix((0, 0, 0), camera_quaternion(azimuth)) for azimuth in azimuths])
    lidar2ego = np.eye(4)
    lidar2ego[2, 3] = LIDAR_HEIGHT
    cam2img = np.array([[FOCAL, 0, W / 2], [0, FOCAL, H / 2], [0, 0, 1]])
    u, v = np.meshgrid(np.arange(W) + 0.5, np.arange(H) + 0.5)
    rays = np.stack([(u - W / 2) / FOCAL, (v - H / 2) / FOCAL, np.ones_like(u)], -1)
    depth = np.stack([distance / (rays @ pose[0, :3]) for pose in cam2ego])
    return dict(
        pred_depth=depth.astype(np.float32),
        cam2img=np.stack([cam2img] * len(azimuths)),
        cam2ego=cam2ego,
        lidar2cam=np.linalg.inv(cam2ego) @ lidar2ego,
        visible=[np.ones((H, W), dtype=bool)] * len(azimuths),
    )


def points_of(results, **kwargs):
    points = PseudoPointsFromDepth('pred_depth', **kwargs)(results)['points']
    assert isinstance(points, LiDARPoints)
    return points.tensor.numpy()


def test_two_views_of_a_plane_fuse_to_one_plane_seen_once():
    alone = [len(points_of(plane_frame([azimuth]))) for azimuth in (20, -20)]
    fused = points_of(plane_frame(), frame='ego')
    np.testing.assert_allclose(fused[:, 0], 10, atol=1e-4)
    # Where both look (azimuths within 18.6 degrees of ahead), the second camera gives nothing.
    both = PseudoPointsFromDepth('pred_depth', overlap_tolerance=0.0)(plane_frame())['points'].tensor
    assert len(both) == sum(alone) == 2 * H * W
    azimuth = np.degrees(np.arctan2(fused[:, 1], fused[:, 0]))
    first_alone = points_of(plane_frame([20]), frame='ego')
    np.testing.assert_allclose(fused[: len(first_alone)], first_alone, atol=1e-5)
    # 20 - 38.66 = -18.66 degrees is where the first camera's image ends at its middle row.
    middle = np.abs(fused[:, 2]) < 0.5
    seconds = azimuth[len(first_alone) :][middle[len(first_alone) :]]
    assert seconds.max() < -18.0 and 0 < len(seconds)


def test_the_surer_camera_gives_the_point():
    frame = plane_frame()
    frame['confidence'] = np.stack([np.full((H, W), 0.2), np.full((H, W), 0.9)]).astype(np.float32)
    points = points_of(frame, frame='ego')
    overlap = np.abs(np.degrees(np.arctan2(points[:, 1], points[:, 0]))) < 15
    near_middle = np.abs(points[:, 2]) < 2
    assert set(points[overlap & near_middle, 3].round(3)) == {np.float32(0.9).round(3)}
    assert len(points_of(dict(frame, img=None), min_confidence=0.5)) == H * W


def test_what_hides_something_from_the_other_camera_does_not_delete_it():
    frame = plane_frame()
    frame['pred_depth'][0] /= 2  # The first camera sees a nearer surface everywhere.
    assert len(points_of(frame)) == 2 * H * W


def test_lidar_and_ego_frame_differ_by_the_mounting():
    ego, lidar = points_of(plane_frame(), frame='ego'), points_of(plane_frame(), frame='lidar')
    np.testing.assert_allclose(ego[:, :3] - lidar[:, :3], [[0, 0, LIDAR_HEIGHT]] * len(ego), atol=1e-4)


def test_masks_range_stride_and_colour():
    frame = plane_frame([0])
    frame['visible'] = [np.arange(H)[:, None] * np.ones((1, W)) < H / 2]
    frame['img'] = [np.full((H, W, 3), (255, 0, 51), dtype=np.uint8)]  # BGR
    points = points_of(frame, stride=2, color=True)
    assert points.shape == (H // 2 * W // 4, 8) and 'img' not in frame
    np.testing.assert_allclose(points[:, 3:], [[1, 0, 0.2, 0, 1]] * len(points), atol=1e-6)
    assert len(points_of(plane_frame([0]), max_depth=9.9)) == 0
    half = points_of(plane_frame([0]), point_cloud_range=(0, 0, -50, 50, 50, 50))
    assert len(half) == H * W / 2 and (half[:, 1] > 0).all()


def test_voxels_keep_their_most_confident_point():
    points = np.array([[0.1, 0, 0, 0.5], [0.2, 0, 0, 0.9], [1.1, 0, 0, 0.1], [0.3, 0, 0, 0.9], [-0.1, 0, 0, 0.2]])
    assert most_confident_in_voxels(points, 1.0).tolist() == [1, 2, 4]
    thinned = points_of(plane_frame(), frame='ego', voxel_size=1.0)
    assert len(np.unique(np.floor(thinned[:, :3]), axis=0)) == len(thinned)


def test_configuration_errors():
    with pytest.raises(ValueError, match="'lidar', 'ego'"):
        PseudoPointsFromDepth(frame='world')
    with pytest.raises(ValueError, match='stride'):
        PseudoPointsFromDepth(stride=0)
    with pytest.raises(ValueError, match='--min-confidence. must lie in .0, 1., found 50'):
        PseudoPointsFromDepth(min_confidence=50)
    for crossed in ((-50, 50, -50, 50, -5, 3), (-50, -50, 50, 50)):
        with pytest.raises(ValueError, match='--range. must be x y z of the low and x y z of the high corner'):
            PseudoPointsFromDepth(point_cloud_range=crossed)
    with pytest.raises(ValueError, match='gt_depth'):
        PseudoPointsFromDepth()(plane_frame())
    with pytest.raises(ValueError, match="'img'"):
        points_of(plane_frame(), color=True)


def test_points_of_lidar_depth_lie_on_the_lidar(sample_data):
    size = (900, 1600)
    steps = ['LoadSurroundImages', 'LoadSurroundLidar', dict(type='ResizeViews', size=size), 'ProjectLidarDepth']
    pipeline = [step if isinstance(step, dict) else dict(type=step) for step in steps]
    frames = NuScenesSurroundDataset(
        'nuscenes_infos_val.pkl',
        data_root=str(sample_data / 'nuscenes_sample'),
        pipeline=[dict(step, type=f'mmdet3d.{step["type"]}') for step in pipeline],
    )
    frame = frames[0]
    lidar, focal = frame['lidar_points'], frame['cam2img'][:, 0, 0].min()
    depth = frame['gt_depth']
    points = PseudoPointsFromDepth(max_depth=80.0)(frame)['points'].tensor.numpy()
    # Every point of an image gives one point, except where two cameras see the same one.
    assert 0.85 * (depth > 0).sum() < len(points) <= (depth > 0).sum()
    points = points[::10, :3]
    distance = torch.cdist(torch.tensor(points), torch.tensor(lidar, dtype=torch.float32)).min(1).values.numpy()
    # The pixel's centre is at most half its diagonal away: sqrt(0.5) pixels of z / fx each.
    footprint = np.linalg.norm(points, axis=1) / focal * np.sqrt(0.5)
    assert (distance <= footprint * 1.01 + 1e-3).all()
