import numpy as np
import pytest
import torch

from fsmde.datasets import (
    DDADDataset,
    DenseDepthAsTarget,
    KeepLidarPixels,
    KeepTeacherViews,
    LoadSurroundImages,
    LoadSurroundLidar,
    PackSurroundInputs,
    ProjectLidarDepth,
    RandomFlipViews,
    RandomPhotometric,
    RandomZoomCrop,
    ResizeViews,
)
from fsmde.models.estimators.bin_depth_estimator import rig_batch
from fsmde.poses import quaternion_to_matrix
from toy_dgp import camera_quaternion


@pytest.fixture
def frame(toy_dgp):
    info = DDADDataset(data_root=str(toy_dgp), pipeline=[]).get_data_info(0)
    info['rng'] = np.random.default_rng(0)
    return LoadSurroundLidar()(LoadSurroundImages()(info))


def continuous_pixels(points, lidar2cam, cam2img):
    camera = np.einsum('nij,pj->npi', lidar2cam[:, :3, :3], points) + lidar2cam[:, None, :3, 3]
    return np.einsum('nij,npj->npi', cam2img, camera)


def test_resize_scales_intrinsics_and_depth_is_projected_not_resized(frame):
    resized = ProjectLidarDepth()(ResizeViews((24, 32))(frame))
    np.testing.assert_allclose(resized['cam2img'][0], [[20, 0, 16], [0, 20, 12], [0, 0, 1]])
    assert resized['gt_depth'].shape == (6, 24, 32) and resized['img'][0].shape == (24, 32, 3)
    rows, columns = np.nonzero(resized['gt_depth'][0])
    expected = 10 * np.cos(np.arctan((columns + 0.5 - 16) / 20))
    np.testing.assert_allclose(resized['gt_depth'][0][rows, columns], expected, atol=0.3)


def test_crop_keeps_pixels_of_points(frame):
    points = frame['lidar_points'][:50]
    before = continuous_pixels(points, frame['lidar2cam'], frame['cam2img'])
    cropped = RandomZoomCrop(max_zoom=1.5)(frame)
    after = continuous_pixels(points, cropped['lidar2cam'], cropped['cam2img'])
    np.testing.assert_allclose(np.einsum('nij,npj->npi', cropped['ori2img'], before), after, atol=1e-9)
    assert cropped['cam2img'][0, 0, 0] > 40 and cropped['img'][3].shape == (48, 64, 3)


def test_flip_mirrors_images_calibration_and_ring(frame):
    points = frame['lidar_points'].copy()
    before = continuous_pixels(points, frame['lidar2cam'], frame['cam2img'])
    depth = ProjectLidarDepth()(dict(frame))['gt_depth']
    images = [image.copy() for image in frame['img']]
    poses = frame['cam2ego'].copy()
    flipped = ProjectLidarDepth()(RandomFlipViews(prob=1.0)(frame))
    assert flipped['cam_order'].tolist() == [0, 5, 4, 3, 2, 1]
    for n, source in enumerate(flipped['cam_order']):
        np.testing.assert_array_equal(flipped['img'][n], images[source][:, ::-1])
    # Each view still looks where its place in the ring looks: this rig is symmetric.
    np.testing.assert_allclose(flipped['cam2ego'], poses, atol=1e-9)
    after = continuous_pixels(flipped['lidar_points'], flipped['lidar2cam'], flipped['cam2img'])
    expected = np.einsum('nij,npj->npi', flipped['ori2img'], before[flipped['cam_order']])
    np.testing.assert_allclose(after, expected, atol=1e-9)
    # The mirrored depth map, but for points on a pixel's border.
    mirrored = depth[flipped['cam_order']][:, :, ::-1]
    assert (flipped['gt_depth'] != mirrored).mean() < 1e-3


def test_flip_twice_is_identity(frame):
    start = {key: np.copy(frame[key]) for key in ('cam2img', 'cam2ego', 'lidar2cam', 'ori2img', 'lidar_points')}
    twice = RandomFlipViews(1.0)(RandomFlipViews(1.0)(frame))
    for key, value in start.items():
        np.testing.assert_allclose(twice[key], value, atol=1e-9)
    assert twice['cam_order'].tolist() == list(range(6))


@pytest.mark.parametrize('seed', range(30))
def test_flipped_frames_of_any_rig_go_into_a_batch_with_unflipped_ones(seed):
    """What was to the left of a camera is to the right of its mirror image, if some look one way on one side only."""
    rng = np.random.default_rng(seed)
    azimuths = [0, -90, 180, 92, 88]
    if seed:
        azimuths = rng.uniform(0, 360, rng.integers(1, 6))
        azimuths = rng.permutation([*azimuths, *rng.choice(azimuths, 3) + rng.normal(0, 3, 3)])[: rng.integers(1, 9)]
    N = len(azimuths)
    poses = np.stack([quaternion_to_matrix([0, 0, 0], camera_quaternion(azimuth)) for azimuth in azimuths])

    def packed(prob):
        frame = dict(
            frame_id='a/0', rng=rng, cam_names=[f'c{n}' for n in range(N)], cam_order=np.arange(N), cam2ego=poses,
            cam2img=np.stack([np.diag([10.0, 10, 1])] * N), lidar2cam=np.linalg.inv(poses), ori2img=np.stack([np.eye(3)] * N),
            img=[np.zeros((4, 6, 3), np.uint8)] * N, visible=[np.ones((4, 6), bool)] * N,
        )  # fmt: skip
        return PackSurroundInputs()(RandomFlipViews(prob)(frame))

    plain, flipped = packed(0.0), packed(1.0)
    samples = [plain['data_samples'], flipped['data_samples']]
    found = rig_batch(samples, torch.stack([plain['inputs']['img'], flipped['inputs']['img']])).neighbors
    order = samples[1].cam_order
    if N > 1:
        np.testing.assert_array_equal(order[found[:, 0]], found[order, 1])


def test_photometric_changes_colours_only(frame):
    before = [image.copy() for image in frame['img']]
    after = RandomPhotometric(strength=0.3, prob=1.0)(frame)
    assert any((a != b).any() for a, b in zip(after['img'], before))
    assert after['img'][0].dtype == np.uint8
    unchanged = RandomPhotometric(prob=0.0)(after)
    assert unchanged is after


def test_packing_records_the_augmentation_for_the_teacher(frame):
    frame = KeepTeacherViews()(ResizeViews((24, 32))(frame))
    frame = ProjectLidarDepth()(RandomFlipViews(1.0)(frame))
    packed = PackSurroundInputs()(frame)
    sample = packed['data_samples']
    assert packed['inputs']['img'].shape == packed['inputs']['teacher_img'].shape == (6, 3, 24, 32)
    np.testing.assert_allclose(sample.aug2d[1], [[-1, 0, 32], [0, 1, 0], [0, 0, 1]], atol=1e-9)
    for n, source in enumerate(sample.cam_order):
        assert torch.equal(packed['inputs']['img'][n].flip(-1), packed['inputs']['teacher_img'][source])
    assert sample.gt_depth.shape == (6, 24, 32) and sample.valid_mask.dtype == torch.bool


def test_mixed_sizes_must_be_resized(frame):
    frame['img'][2] = frame['img'][2][:40]
    with pytest.raises(ValueError, match='put ResizeViews'):
        PackSurroundInputs()(frame)


def test_sparse_pixels_for_evaluation(frame):
    frame['rounding'] = 'floor'
    kept = KeepLidarPixels()(frame)
    full = kept['lidar_pixels'].scatter(6, 48, 64)
    np.testing.assert_array_equal(full, ProjectLidarDepth()(frame)['gt_depth'])
    assert kept['lidar_visible'].all()


def test_dense_depth_as_target_is_that_of_the_nearest_pixel():
    """Of four columns an image has two, mirrored: its pixel centres lie in columns 3 and 1."""
    mirrored = np.array([[[-0.5, 0, 2], [0, 1, 0], [0, 0, 1]]])
    depth = np.array([[[4.0, 5, 0, 8]]], np.float32)
    frame = dict(img=[np.zeros((1, 2, 3))], ori2img=mirrored, cam_order=[0], dense_depth=depth)
    assert DenseDepthAsTarget()(frame)['gt_depth'].tolist() == [[[8, 5]]]


def test_the_sky_of_dense_depth_is_where_the_world_is_seen():
    depth = np.array([[[4.0, 0, 0]]], np.float32)
    frame = dict(img=[np.zeros((1, 3, 3))], ori2img=np.eye(3)[None], cam_order=[0], dense_depth=depth)
    frame['visible'] = [np.array([[True, True, False]])]
    assert DenseDepthAsTarget()(frame)['gt_depth'].tolist() == [[[4, 0, 0]]]
    assert DenseDepthAsTarget(sky=250.0)(frame)['gt_depth'].tolist() == [[[4, 250, 0]]]
    assert depth.tolist() == [[[4, 0, 0]]]


@pytest.mark.parametrize(
    'make',
    [
        lambda: RandomZoomCrop(0.5),
        lambda: RandomFlipViews(2.0),
        lambda: RandomPhotometric(strength=1.0),
    ],
)
def test_wrong_arguments(make):
    with pytest.raises(ValueError):
        make()
