import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from toy_lenses import FISHEYE, FISHEYES, LOAD, MILD, THREE, ToyLenses, on_cylinder, write_toy_lenses

from fsmde.datasets import (
    DDADDataset,
    KeepLidarPixels,
    KeepTeacherViews,
    LoadDenseDepth,
    LoadSurroundImages,
    LoadSurroundLidar,
    PackSurroundInputs,
    ProjectLidarDepth,
    RandomFlipViews,
    RectifyViews,
    ResizeViews,
)
from fsmde.evaluation.protocols import differences
from fsmde.lenses import Lens, PlumbBobLens
from fsmde.rig_camera import RigCamera
from fsmde.teacher_cache import TeacherCache
from fsmde.virtual_cameras import _kept, rectifiers_of
from toy_dgp import HEIGHT, WIDTH

init_default_scope('mmdet3d')
EVALUATE = [dict(type='KeepLidarPixels'), dict(type='ProjectLidarDepth'), dict(type='PackSurroundInputs')]


@pytest.fixture(scope='module')
def mild(tmp_path_factory):
    """Six cameras of 128x96 pixels with a mild lens each."""
    return write_toy_lenses(tmp_path_factory.mktemp('mild') / 'toy', focal=70.0)


@pytest.fixture(scope='module')
def fisheyes(tmp_path_factory):
    """Four fisheyes of 128x96 pixels that see 180 degrees across."""
    return write_toy_lenses(tmp_path_factory.mktemp('fisheyes') / 'toy', cameras=FISHEYES)


def dataset_of(root, lens, cameras, *transforms, **kwargs):
    rectify = [transform for transform in transforms if transform['type'] == 'RectifyViews']
    pipeline = [LOAD[0], *rectify, LOAD[1], *(transform for transform in transforms if transform not in rectify)]
    lenses = dict.fromkeys(cameras, lens)
    return ToyLenses(data_root=str(root), cameras=list(cameras), lenses=lenses, pipeline=pipeline, **kwargs)


def mild_dataset(root, *transforms, lens=MILD, **kwargs):
    return dataset_of(root, lens, DDADDataset.CAMERAS, *transforms, **kwargs)


def fisheye_dataset(root, *transforms, **kwargs):
    views = dict(type='RectifyViews', views=dict.fromkeys(FISHEYES, THREE))
    return dataset_of(root, FISHEYE, FISHEYES, views, *transforms, **kwargs)


def test_ground_truth_of_a_rectified_lens_is_that_of_the_pinhole_bit_by_bit(mild):
    bent = mild_dataset(mild, dict(type='RectifyViews'), *EVALUATE)
    straight = DDADDataset(data_root=str(mild), pipeline=[*LOAD, *EVALUATE])
    assert bent.metainfo == straight.metainfo
    for index in range(2):
        found, expected = bent[index]['data_samples'], straight[index]['data_samples']
        np.testing.assert_array_equal(found.cam2img, expected.cam2img)
        np.testing.assert_array_equal(found.gt_depth, expected.gt_depth)
        assert found.valid_mask.float().mean() > 0.9 and expected.valid_mask.all()
        np.testing.assert_array_equal(found.neighbors, expected.neighbors)
        # For evaluation: the data set's own answer, and all of the pinhole's points but those that the lens does not show.
        pixels, visible, sizes = bent.lidar_pixels(index)
        for key in ('camera', 'u', 'v', 'z', 'index'):
            np.testing.assert_array_equal(getattr(found.lidar_pixels, key), getattr(pixels, key))
        assert sizes.tolist() == found.ori_shape.tolist() == [[96, 128]] * 6
        assert visible.all() and found.lidar_visible.all()
        radii = on_cylinder(pixels, found.lidar2cam, found.ori_cam2img)
        assert np.abs(radii - 1).max() < 0.02


def test_what_the_lens_does_not_show_is_no_ground_truth(mild):
    # A pincushion: the corners of the frame lie beyond the original image.
    bent = mild_dataset(mild, dict(type='RectifyViews'), *EVALUATE, lens=PlumbBobLens((0.3, 0, 0, 0)))
    sample = bent[0]['data_samples']
    mask, pixels = sample.valid_mask.numpy(), sample.lidar_pixels
    assert not mask[:, 0, 0].any() and mask[:, 48, 64].all() and 0.6 < mask.mean() < 0.95
    straight, *_ = DDADDataset(data_root=str(mild)).lidar_pixels(0)
    kept = mask[straight.camera, straight.v, straight.u]
    assert 0.6 < kept.mean() < 0.97
    for key in ('camera', 'u', 'v', 'z', 'index'):
        np.testing.assert_array_equal(getattr(pixels, key), getattr(straight, key)[kept])


def opencv_view(image, lens, K, size, R=None, new_K=None):
    """The rectified image by OpenCV's own maps; its first pixel has its centre at 0."""
    half = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    make = cv2.initUndistortRectifyMap if isinstance(lens, PlumbBobLens) else cv2.fisheye.initUndistortRectifyMap
    new_K = K if new_K is None else new_K
    maps = make(K - half, np.array(lens.coefficients), np.eye(3) if R is None else R, new_K - half, size, cv2.CV_32FC1)
    return cv2.remap(image, *maps, cv2.INTER_LINEAR)


def test_images_of_a_mild_lens_are_opencvs(mild):
    results = mild_dataset(mild, dict(type='RectifyViews'))[0]
    originals = LoadSurroundImages()(raw_frame(mild))
    for n, image in enumerate(results['img']):
        expected = opencv_view(originals['img'][n], MILD, originals['cam2img'][n], (128, 96))
        seen = cv2.erode(results['visible'][n].astype(np.uint8), np.ones((3, 3)), borderValue=0) > 0
        assert seen.mean() > 0.85 and np.abs(image.astype(int) - expected)[seen].max() <= 2
        assert (image[~results['visible'][n]] == 0).all()


def raw_frame(root, cameras=DDADDataset.CAMERAS):
    return DDADDataset(data_root=str(root), cameras=list(cameras)).get_data_info(0)


def test_a_fisheye_becomes_three_pinholes_as_opencv_makes_them(fisheyes):
    results = fisheye_dataset(fisheyes)[0]
    originals = LoadSurroundImages()(raw_frame(fisheyes, FISHEYES))
    f = 32 / np.tan(np.radians(40))
    K = np.array([[f, 0, 32], [0, f, 24], [0, 0, 1]])
    assert len(results['img']) == 12 and results['cam_names'][:3] == [
        'CAMERA_01/left', 'CAMERA_01/ahead', 'CAMERA_01/right',
    ]  # fmt: skip
    for n, (image, seen) in enumerate(zip(results['img'], results['visible'])):
        np.testing.assert_allclose(results['cam2img'][n], K)
        # OpenCV's R maps points of the camera into the view; it has no rays beyond 90 degrees.
        degrees = (-60, 0, 60)[n % 3]
        R = cv2.Rodrigues(np.radians([0.0, degrees, 0]))[0].T
        expected = opencv_view(originals['img'][n // 3], FISHEYE, originals['cam2img'][n // 3], (64, 48), R, K)
        v, u = np.mgrid[:48, :64] + 0.5
        ahead = np.stack([(u - 32) / f, (v - 24) / f, np.ones_like(u)], -1) @ R[:, 2] > 0.1
        inner = cv2.erode((seen & ahead).astype(np.uint8), np.ones((3, 3)), borderValue=0) > 0
        assert inner.mean() > 0.7 and np.abs(image.astype(int) - expected)[inner].max() <= 3


def test_four_fisheyes_are_a_ring_of_twelve_views(fisheyes):
    dataset = fisheye_dataset(fisheyes, *EVALUATE)
    names = [f'{camera}/{view}' for camera in FISHEYES for view in ('left', 'ahead', 'right')]
    assert dataset.metainfo['cam_names'] == names
    sample = dataset[1]['data_samples']
    assert sample.cam_names == names and sample.gt_depth.shape == (12, 48, 64)
    # Azimuths 0 (01/ahead), 30 (05/right), 60 (01/left), 90 (05/ahead), ..., 330 (06/left).
    neighbors = {name: [names[i] for i in row] for name, row in zip(names, sample.neighbors)}
    assert neighbors['CAMERA_01/ahead'] == ['CAMERA_05/right', 'CAMERA_06/left']
    assert neighbors['CAMERA_01/left'] == ['CAMERA_05/ahead', 'CAMERA_05/right']
    pixels, *_ = dataset.lidar_pixels(1)
    np.testing.assert_array_equal(pixels.u, sample.lidar_pixels.u)
    assert (np.bincount(pixels.camera, minlength=12) > 100).all()
    assert np.abs(on_cylinder(pixels, sample.lidar2cam, sample.ori_cam2img) - 1).max() < 0.03
    # Nothing is lost between the views: what LiDAR hits, at least one of them shows.
    cloud = dataset.load_cloud(dataset.get_data_info(1))
    assert len(np.unique(pixels.index)) > 0.97 * (np.abs(cloud[:, 2]) < 3).sum()


def test_poses_follow(fisheyes):
    dataset = fisheye_dataset(fisheyes)
    results, info = dataset[0], dataset.get_data_info(0)
    ego2lidar = np.linalg.inv(info['cam2ego'][0] @ info['lidar2cam'][0])
    for n in range(12):
        np.testing.assert_allclose(
            results['cam2ego'][n] @ results['lidar2cam'][n], np.linalg.inv(ego2lidar), atol=1e-9
        )
        np.testing.assert_allclose(results['cam2ego'][n, :3, 3], info['cam2ego'][n // 3, :3, 3])
        moved = results['ori_cam2world'][n] @ np.linalg.inv(results['cam2ego'][n])
        np.testing.assert_allclose(moved, info['ori_cam2world'][0] @ np.linalg.inv(info['cam2ego'][0]), atol=1e-9)
    azimuth = np.degrees(np.arctan2(results['cam2ego'][:, 1, 2], results['cam2ego'][:, 0, 2])) % 360
    np.testing.assert_allclose(azimuth, [60, 0, 300, 150, 90, 30, 240, 180, 120, 330, 270, 210], atol=1e-9)


def test_a_mirrored_rig_of_virtual_cameras_sees_the_mirrored_cylinder(fisheyes):
    dataset = fisheye_dataset(fisheyes, dict(type='RandomFlipViews', prob=1.0), *EVALUATE[1:])
    sample, plain = dataset[0]['data_samples'], fisheye_dataset(fisheyes, *EVALUATE[1:])[0]['data_samples']
    # What looked to the left ahead shows what looked to the right: the mirror image of its depth.
    assert sample.cam_order.tolist()[:3] == [2, 1, 0]
    np.testing.assert_allclose(sample.gt_depth[0].flip(1), plain.gt_depth[2], atol=1e-4)


@pytest.mark.parametrize('views', [None, 'stated'])
def test_a_pinhole_stays_as_it_is_bit_by_bit(toy_dgp, views):
    focal = 40.0
    stated = [dict(hfov=float(2 * np.degrees(np.arctan(WIDTH / 2 / focal))), width=WIDTH, height=HEIGHT)]
    views = views and dict.fromkeys(DDADDataset.CAMERAS, stated)
    pipeline = [LOAD[0], dict(type='RectifyViews', views=views), LOAD[1], *EVALUATE]
    found = DDADDataset(data_root=str(toy_dgp), pipeline=pipeline)[0]
    expected = DDADDataset(data_root=str(toy_dgp), pipeline=[*LOAD, *EVALUATE])[0]
    np.testing.assert_array_equal(found['inputs']['img'], expected['inputs']['img'])
    sample, other = found['data_samples'], expected['data_samples']
    np.testing.assert_array_equal(sample.gt_depth, other.gt_depth)
    np.testing.assert_array_equal(sample.valid_mask, other.valid_mask)
    for key in ('cam2ego', 'lidar2cam', 'ori_cam2world', 'ori_shape'):
        np.testing.assert_array_equal(getattr(sample, key), getattr(other, key))
    np.testing.assert_allclose(sample.cam2img, other.cam2img, rtol=1e-14)
    np.testing.assert_array_equal(sample.lidar_pixels.u, other.lidar_pixels.u)


def test_images_with_lenses_are_refused_before_the_first_one_is_loaded(mild):
    with pytest.raises(
        ValueError, match=r"lenses: \{'CAMERA_01': 'plumb_bob'.*dict\(type=RectifyViews\).*LoadSurround"
    ):
        mild_dataset(mild, *EVALUATE)
    dataset = mild_dataset(mild, dict(type='RectifyViews'))
    info = dataset.get_data_info(0)
    for transform in (LoadSurroundImages(), LoadSurroundLidar()):
        info = transform(info)
    for transform in (
        ResizeViews((48, 64)), RandomFlipViews(), KeepTeacherViews(), KeepLidarPixels(), ProjectLidarDepth(),
        PackSurroundInputs(), LoadDenseDepth(),
    ):  # fmt: skip
        with pytest.raises(ValueError, match='takes every camera for a pinhole'):
            transform(dict(info))
    bare = ToyLenses(data_root=str(mild), lenses=dict.fromkeys(DDADDataset.CAMERAS, MILD))
    with pytest.raises(ValueError, match='takes every camera for a pinhole'):
        bare.lidar_pixels(0)


def test_a_rig_may_mix_lenses_and_pinholes(mild):
    lenses = dict(dict.fromkeys(DDADDataset.CAMERAS, Lens()), CAMERA_05=MILD)
    pipeline = [LOAD[0], dict(type='RectifyViews'), LOAD[1]]
    results = ToyLenses(data_root=str(mild), lenses=lenses, pipeline=pipeline)[0]
    originals = LoadSurroundImages()(raw_frame(mild))
    same = [np.array_equal(a, b) for a, b in zip(results['img'], originals['img'])]
    assert same == [True, False, True, True, True, True] and 'lenses' not in results


def test_the_place_in_the_pipeline_is_checked(mild):
    info = mild_dataset(mild, dict(type='RectifyViews')).get_data_info(0)
    loaded = LoadSurroundImages()(info)
    with pytest.raises(ValueError, match='directly behind LoadSurroundImages, once'):
        RectifyViews()(RectifyViews()(dict(loaded)))
    resized = dict(loaded, img=[image[:40] for image in loaded['img']])
    with pytest.raises(ValueError, match='directly behind LoadSurroundImages, once'):
        RectifyViews()(resized)
    with pytest.raises(ValueError, match="no camera 'CAMERA_1' .did you mean"):
        RectifyViews(dict(CAMERA_1=THREE))(dict(loaded))
    with pytest.raises(ValueError, match=r"RectifyViews: views of CAMERA_01, view left: key 'yaw'"):
        RectifyViews(dict(CAMERA_01=[dict(THREE[0], yaw=3)]))


def test_masks_go_through_the_same_map(mild, tmp_path):
    # The left half of each original image is car.
    mask = np.full((96, 128), 255, np.uint8)
    mask[:, :64] = 0
    for camera in DDADDataset.CAMERAS:
        cv2.imwrite(str(tmp_path / f'{camera}.png'), mask)
    masks = dict(root=str(tmp_path), template='{camera}.png', valid=255)
    dataset = mild_dataset(mild, dict(type='RectifyViews'), *EVALUATE, self_occlusion=masks)
    sample = dataset[0]['data_samples']
    half = opencv_view(
        np.tile(np.arange(128, dtype=np.float32) + 0.5, (96, 1)), MILD, sample.ori_cam2img[0], (128, 96)
    )
    for n in range(6):
        found = sample.valid_mask[n].numpy()
        sure = np.abs(half - 64) > 0.6
        np.testing.assert_array_equal((found & sure), (half > 64) & sure & sample.ori_visible[n].unpack())
    pixels = sample.lidar_pixels
    mask = np.stack([packed.unpack() for packed in sample.ori_visible])
    np.testing.assert_array_equal(sample.lidar_visible, mask[pixels.camera, pixels.v, pixels.u])
    assert 0.3 < sample.lidar_visible.mean() < 0.7
    again = dataset.visible_masks(0)
    assert again == list(sample.ori_visible)


def test_views_are_made_at_the_networks_size_without_aliasing(tmp_path):
    # Stripes one pixel wide: at a third of the size their mean.
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 200
    path = str(tmp_path / 'stripes.png')
    cv2.imwrite(path, stripes)
    frame = dict(
        frame_id='0', cam_names=['A'], img_path=[path], lenses=[PlumbBobLens((-0.02, 0, 0, 0))],
        cam2img=np.array([[[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]]), cam2ego=np.eye(4)[None],
        lidar2cam=np.eye(4)[None],
    )  # fmt: skip
    results = RectifyViews(size=(120, 160))(LoadSurroundImages()(frame))
    assert results['img'][0].shape == (120, 160, 3) and results['visible'][0].shape == (120, 160)
    assert np.abs(results['img'][0][5:-5, 5:-5].astype(int) - 100).max() <= 2
    np.testing.assert_allclose(results['cam2img'][0], [[125, 0, 80], [0, 125, 60], [0, 0, 1]])
    assert results['ori_shape'].tolist() == [[480, 640]]
    untouched = ResizeViews((120, 160))(dict(results))
    assert untouched['img'][0] is results['img'][0]


def test_jpegs_may_be_decoded_at_a_fraction_if_that_is_enough(tmp_path):
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), (640, 481), interpolation=cv2.INTER_CUBIC)
    path = str(tmp_path / 'picture.jpg')
    cv2.imwrite(path, picture, [cv2.IMWRITE_JPEG_QUALITY, 98])
    frame = dict(
        frame_id='0', cam_names=['A'], img_path=[path], lenses=[MILD], cam2ego=np.eye(4)[None],
        lidar2cam=np.eye(4)[None], cam2img=np.array([[[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]]),
    )  # fmt: skip
    whole = RectifyViews(size=(120, 160))(LoadSurroundImages()(dict(frame)))
    part = RectifyViews(size=(120, 160))(LoadSurroundImages(reduce_to=(120, 160))(dict(frame)))
    assert np.abs(whole['img'][0].astype(int) - part['img'][0]).mean() < 1
    np.testing.assert_allclose(part['cam2img'], whole['cam2img'])
    np.testing.assert_array_equal(part['visible'][0], whole['visible'][0])
    narrow = dict(A=[dict(hfov=20, width=160, height=120)])
    with pytest.raises(ValueError, match=r'decoded at 0.25 of its size.*leave reduce_to'):
        RectifyViews(narrow, size=(120, 160))(LoadSurroundImages(reduce_to=(120, 160))(dict(frame)))


def test_maps_belong_to_a_calibrations_numbers(mild):
    def camera(name, focal=70.0, lens=MILD):
        return RigCamera(name, (128, 96), np.array([[focal, 0, 64], [0, focal, 48], [0, 0, 1]]), lens)

    (first,), (second,) = rectifiers_of(camera('A')), rectifiers_of(camera('B'))
    assert first is second
    assert rectifiers_of(camera('A', 70.1))[0] is not first
    assert rectifiers_of(camera('A', lens=PlumbBobLens((-0.25, 0.05, 0.001, -0.002))))[0] is not first
    for number in range(40):
        rectifiers_of(camera('A', 71.0 + number))
    assert _kept.cache_info().currsize == _kept.cache_info().maxsize == 32


def test_dense_depth_is_that_of_the_views_by_name(fisheyes, tmp_path):
    dataset = fisheye_dataset(fisheyes)
    path = str(tmp_path / 'depth.png')
    cv2.imwrite(path, np.full((96, 128), 10 * 256, np.uint16))
    results = dict(dataset[0], dense_depth_path=[path] * 4)
    f = 32 / np.tan(np.radians(40))
    v, u = np.mgrid[:48, :64] + 0.5
    length = np.sqrt(((u - 32) / f) ** 2 + ((v - 24) / f) ** 2 + 1)
    # Everything 10 m from the camera: a sphere.
    found = LoadDenseDepth()(dict(results, dense_depth_measure='distance'))['dense_depth']
    seen = np.stack(results['visible'])
    assert found.shape == (12, 48, 64)
    np.testing.assert_allclose(found[seen], np.tile(10 / length, (12, 1, 1))[seen], rtol=1e-5)
    assert not found[~seen].any()
    # A wall 10 m before the camera, at right angles to its axis: 60 degrees to the left it is 20 m away.
    found = LoadDenseDepth()(dict(results))['dense_depth']
    np.testing.assert_allclose(found[1][seen[1]], 10, rtol=1e-5)
    left = 10 / (0.5 + np.sqrt(0.75) * (u - 32) / f)
    near = seen[0] & (left > 0) & (left < 200)
    np.testing.assert_allclose(found[0][near], left[near], rtol=1e-5)
    assert found[0][24, 31:33].mean() == pytest.approx(20, rel=0.01) and (found[0][left < 0] == 0).all()


def test_distances_need_the_views_that_make_z_depth_of_them(tmp_path):
    path = str(tmp_path / 'depth.png')
    cv2.imwrite(path, np.full((96, 128), 10 * 256, np.uint16))
    frame = dict(frame_id='0', dense_depth_path=[path], dense_depth_measure='distance')
    with pytest.raises(ValueError, match='dense depth is the distance; RectifyViews behind LoadSurroundImages'):
        LoadDenseDepth()(frame)


def test_a_view_that_shows_nothing_is_refused(fisheyes):
    views = dict.fromkeys(FISHEYES, [dict(name='behind', azimuth=-170, hfov=40, width=64, height=48)])
    dataset = dataset_of(fisheyes, FISHEYE, FISHEYES, dict(type='RectifyViews', views=views), test_mode=True)
    with pytest.raises(ValueError, match="the view 'behind' .azimuth -170, elevation 0. shows nothing of the image"):
        dataset[0]


def test_views_of_another_geometry_have_no_part_in_published_tables(toy_dgp):
    views = dict(CAMERA_01=[dict(hfov=47, width=96, height=64)])
    frames = DDADDataset(data_root=str(toy_dgp), pipeline=[LOAD[0], dict(type='RectifyViews', views=views), LOAD[1]])
    assert frames.metainfo['views_of'] == ['CAMERA_01']
    assert 'views of another geometry stand for CAMERA_01' in differences(frames.metainfo)
    plain = DDADDataset(data_root=str(toy_dgp), pipeline=[LOAD[0], dict(type='RectifyViews'), LOAD[1]])
    assert differences(plain.metainfo) == []


def test_a_teachers_answers_of_other_views_are_stale(mild, tmp_path):
    straight = LoadSurroundImages()(raw_frame(mild))
    bent = mild_dataset(mild, dict(type='RectifyViews'))[0]
    cache = TeacherCache(tmp_path / 'cache')
    cache.begin(dict(identity={}, space='depth_metric', feature_channels=None))
    cache.write('frame', straight['img'], straight['cam2img'], np.ones((6, 4, 4), np.float32))
    with pytest.raises(ValueError, match='stale: the images differ'):
        cache.read('frame', bent['img'], bent['cam2img'])


def test_a_lens_that_sees_much_more_than_its_frame_is_said(fisheyes, caplog, monkeypatch):
    from fsmde.datasets.transforms import rectification

    monkeypatch.setattr(rectification, '_LOOKED_AT', set())
    said = []
    monkeypatch.setattr(rectification, 'print_log', lambda text, *_: said.append(text))
    dataset_of(fisheyes, FISHEYE, FISHEYES, dict(type='RectifyViews'))[0]
    assert len(said) == 4 and 'CAMERA_01: ' in said[0] and "RectifyViews(views={'CAMERA_01': [...]})" in said[0]
