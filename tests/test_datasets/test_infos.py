"""v2 infos of other data sets, made by mmdet3d's own converter, and infos that lack something."""

import importlib.util
import os.path as osp
import pickle
import shutil
from pathlib import Path

import cv2
import mmdet3d
import numpy as np
import pytest
from mmdet3d.registry import DATASETS
from mmengine.config import Config
from toy_infos import write_toy_infos

from fsmde.datasets import InfosSurroundDataset, NuScenesSurroundDataset
from fsmde.engine.config_files import set_data_root
from fsmde.poses import quaternion_to_matrix
from toy_dgp import camera_quaternion, cylinder_points

CONFIGS = Path(__file__).parents[2] / 'configs/_base_/datasets'
PIPELINE = [
    dict(type='mmdet3d.LoadSurroundImages'),
    dict(type='mmdet3d.LoadSurroundLidar'),
    dict(type='mmdet3d.RandomFlipViews', prob=1.0),
    dict(type='mmdet3d.ProjectLidarDepth'),
    dict(type='mmdet3d.PackSurroundInputs'),
]


@pytest.fixture(scope='module')
def converter():
    """mmdet3d's tools/dataset_converters/update_infos_to_v2.py."""
    path = osp.join(osp.dirname(mmdet3d.__file__), '.mim/tools/dataset_converters/update_infos_to_v2.py')
    if not osp.isfile(path):
        pytest.skip('mmdet3d was installed without its tools')
    spec = importlib.util.spec_from_file_location('update_infos_to_v2', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def square(matrix):
    """A (3, 3), (3, 4) matrix as the (4, 4) that mmdet3d's KITTI and Waymo infos have."""
    out = np.eye(4)
    out[: len(matrix), : len(matrix[0])] = matrix
    return out


def v1_info(number, projections, lidar2cams, size, columns):
    """What mmdet3d's converters of KITTI and Waymo wrote before v2."""
    calib = {f'P{n}': square(P) for n, P in enumerate(projections)}
    for n, matrix in enumerate(lidar2cams):
        calib[f'Tr_velo_to_cam{n or ""}'] = matrix
    calib.update(R0_rect=np.eye(4), Tr_imu_to_velo=np.eye(4))
    return dict(
        image=dict(image_idx=number, image_path=f'training/image_2/{number:06d}.png', image_shape=np.array(size)),
        point_cloud=dict(num_features=columns, velodyne_path=f'training/velodyne/{number:06d}.bin'),
        calib=calib,
        timestamp=1e6 + number,
        pose=np.eye(4),
        sweeps=[],
    )


def dump(path, content):
    path.write_bytes(pickle.dumps(content))


@pytest.fixture
def kitti(tmp_path, sample_data, converter):
    """Three real KITTI frames with the v2 infos of mmdet3d."""
    source = sample_data / 'other_rigs/kitti_raw_sfnd/2011_09_26'
    lines = (line.split(': ') for name in ('cam_to_cam', 'velo_to_cam') for line in open(source / f'calib_{name}.txt'))
    numbers = {key: np.array([float(x) for x in text.split()]) for key, text in lines if key not in ('calib_time',)}
    velo2cam = np.eye(4)
    velo2cam[:3] = np.c_[numbers['R'].reshape(3, 3), numbers['T']]
    lidar2cam = square(numbers['R_rect_00'].reshape(3, 3)) @ velo2cam
    projections = [numbers[f'P_rect_0{n}'].reshape(3, 4) for n in (0, 0, 2, 3)]
    root = tmp_path / 'kitti'
    for folder, suffix, of in (('image_2', 'png', 'image_02'), ('velodyne', 'bin', 'velodyne_points')):
        (root / 'training' / folder).mkdir(parents=True)
        for number in range(3):
            found = next(source.glob(f'*/{of}/data/{number:010d}.{suffix}'))
            shutil.copy(found, root / 'training' / folder / f'{number:06d}.{suffix}')
    dump(root / 'v1.pkl', [v1_info(n, projections, [lidar2cam], (375, 1242), 4) for n in range(3)])
    (root / 'v2').mkdir()
    converter.update_kitti_infos(str(root / 'v1.pkl'), str(root / 'v2'))
    return root, projections[2], lidar2cam


def load_kitti(root, ann_file='v2/v1.pkl', **kwargs):
    prefix = dict(CAM2='training/image_2', lidar='training/velodyne')
    options = dict(data_root=str(root), data_prefix=prefix, test_mode=True, rounding='round')
    return InfosSurroundDataset(ann_file, **{**options, 'pipeline': PIPELINE, **kwargs})


def test_kitti(kitti):
    """Points fall where KITTI's own formula, P R0 Tr x, puts them; depth is that of the camera and not of the first."""
    root, P, lidar2cam = kitti
    frames = load_kitti(root)
    assert frames.cameras == ['CAM2'] and frames.metainfo['dataset'] == 'kitti'
    assert [frames.get_data_info(n)['frame_id'] for n in range(3)] == ['0', '1', '2']
    info = frames.get_data_info(1)
    assert info['stated_sizes'] == [(375, 1242)] and info['scene'] == 'v1' and info['timestamp'] is None
    points = np.fromfile(info['lidar_path'], np.float32).reshape(-1, 4).astype(np.float64)
    points[:, 3] = 1
    projected = P @ lidar2cam @ points.T
    z = projected[2]
    u, v = np.round(projected[:2] / z)
    inside = (z > 0) & (u >= 0) & (v >= 0) & (u < 1242) & (v < 375)
    pixels, _, _ = frames.lidar_pixels(1)
    assert len(pixels.z) == inside.sum() > 16_000
    np.testing.assert_allclose(pixels.z, z[inside], rtol=1e-5)
    # The Velodyne's frame is the ego's: the camera looks ahead, from 27 cm before the LiDAR and 8 cm below it.
    forward, position = info['cam2ego'][0, :3, 2], info['cam2ego'][0, :3, 3]
    assert forward[0] > 0.999 and np.linalg.norm(position - [0.27, 0, -0.08]) < 0.1
    sample = frames[1]['data_samples']
    assert (sample.gt_depth > 0).sum() > 15_000


def test_a_camera_without_an_image_is_named(kitti):
    with pytest.raises(ValueError, match="v1.pkl: frame 0 has no 'CAM0: img_path'|frame 0 has no 'CAM0: lidar2cam'"):
        load_kitti(kitti[0], cameras=['CAM0'], data_prefix=dict(img='training', lidar='training/velodyne'))


def test_other_data_sets_without_cam2ego_say_what_is_missing(kitti):
    root = kitti[0]
    content = pickle.loads((root / 'v2/v1.pkl').read_bytes())
    content['metainfo']['dataset'] = 'mine'
    dump(root / 'mine.pkl', content)
    with pytest.raises(ValueError, match='mine.pkl: frame 0: CAM2: it has no cam2ego, and lidar_points no lidar2ego'):
        load_kitti(root, 'mine.pkl')
    for info in content['data_list']:
        info['lidar_points']['lidar2ego'] = np.eye(4).tolist()
    dump(root / 'mine.pkl', content)
    np.testing.assert_array_equal(
        load_kitti(root, 'mine.pkl').get_data_info(0)['cam2ego'], load_kitti(root).get_data_info(0)['cam2ego']
    )


def test_the_lidar_is_the_ego_by_option(kitti, logged):
    root = kitti[0]
    by_name = load_kitti(root)
    assert 'v1.pkl is of kitti: its LiDAR points are taken to be in the ego frame (lidar_is_ego)' in ' '.join(logged)
    with pytest.raises(ValueError, match='lidar_points no lidar2ego .* or say lidar_is_ego=True'):
        load_kitti(root, lidar_is_ego=False)
    content = pickle.loads((root / 'v2/v1.pkl').read_bytes())
    content['metainfo']['dataset'] = 'mine'
    dump(root / 'mine.pkl', content)
    mine = load_kitti(root, 'mine.pkl', lidar_is_ego=True)
    np.testing.assert_array_equal(mine.get_data_info(2)['cam2ego'], by_name.get_data_info(2)['cam2ego'])
    assert mine.metainfo['dataset'] == 'mine'
    moved = np.eye(4)
    moved[2, 3] = 1.8
    content['data_list'][1]['lidar_points']['lidar2ego'] = moved.tolist()
    dump(root / 'mine.pkl', content)
    with pytest.raises(
        ValueError, match='mine.pkl: frame 1: CAM2: lidar_is_ego is set, and lidar2ego another|frame 1: l'
    ):
        load_kitti(root, 'mine.pkl', lidar_is_ego=True)


def test_range_and_rounding_are_settings(kitti):
    frames = load_kitti(kitti[0], rounding='floor', max_depth=60.0, metainfo=dict(dataset='ours'))
    assert (frames.metainfo['rounding'], frames.metainfo['max_depth'], frames.metainfo['dataset']) == (
        'floor',
        60,
        'ours',
    )
    assert frames.get_data_info(0)['rounding'] == 'floor'
    rounded, floored = load_kitti(kitti[0]).lidar_pixels(0)[0], frames.lidar_pixels(0)[0]
    _, here, there = np.intersect1d(rounded.index, floored.index, return_indices=True)
    step = rounded.u[here] - floored.u[there]
    assert set(np.unique(step)) == {0, 1} and abs(step.mean() - 0.5) < 0.02
    for wrong in (dict(rounding='up'), dict(max_depth=-1.0)):
        with pytest.raises(ValueError, match='rounding must be of .* and max_depth positive'):
            load_kitti(kitti[0], **wrong)


def test_the_kitti_config(kitti):
    cfg = Config.fromfile(CONFIGS / 'kitti.py')
    set_data_root(cfg, str(kitti[0]))
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        frames = DATASETS.build(dict(loader.dataset, ann_file='v2/v1.pkl'))
        sample = frames[0]['data_samples']
        assert sample.gt_depth.shape == (1, 192, 640) and (sample.gt_depth > 0).sum() > 5_000
        assert frames.metainfo['max_depth'] == 80 and sample.neighbors.tolist() == [[-1, -1]]
    # 1242x375 is 3.31:1, the input 3.33:1.
    assert sample.cam2img[0, 0, 0] == pytest.approx(721.54 * 640 / 1242, abs=0.05)
    assert sample.cam2img[0, 1, 1] == pytest.approx(sample.cam2img[0, 0, 0], rel=0.01)


def test_lyft(tmp_path, converter):
    """Six cameras in one folder, images of two sizes, all poses stated; the images' names say nothing of their camera."""
    root, names = tmp_path / 'lyft', ['FRONT', 'FRONT_RIGHT', 'FRONT_LEFT', 'BACK', 'BACK_LEFT', 'BACK_RIGHT']
    images, clouds = root / 'v1.01-train/images', root / 'v1.01-train/lidar'
    images.mkdir(parents=True), clouds.mkdir()
    lidar2ego, cams = np.eye(4), {}
    lidar2ego[:3, 3] = 1.0, 0.0, 1.8
    for n, (name, degrees) in enumerate(zip(names, (0, -60, 60, 180, 120, -120))):
        size = (48, 64) if n % 2 else (40, 64)
        cv2.imwrite(str(images / f'host-a101_cam{n}_1.jpeg'), np.zeros((*size, 3), np.uint8))
        turn, up = camera_quaternion(degrees), [0.0, 0.0, 1.5]
        cam2lidar = np.linalg.inv(lidar2ego) @ quaternion_to_matrix(up, turn)
        cams[f'CAM_{name}'] = dict(
            data_path=f'data/lyft/v1.01-train/images/host-a101_cam{n}_1.jpeg',
            cam_intrinsic=np.array([[50.0, 0, 32], [0, 50, size[0] / 2], [0, 0, 1]]),
            sample_data_token=f's{n}',
            timestamp=1e15,
            sensor2ego_rotation=turn,
            sensor2ego_translation=up,
            sensor2lidar_rotation=cam2lidar[:3, :3],
            sensor2lidar_translation=cam2lidar[:3, 3],
        )
    points = cylinder_points()[:, :3] - lidar2ego[:3, 3]
    np.c_[points, np.zeros((len(points), 2))].astype(np.float32).tofile(clouds / 'host-a101_lidar1_1.bin')
    pose = dict(lidar2ego_rotation=[1.0, 0, 0, 0], lidar2ego_translation=lidar2ego[:3, 3].tolist())
    pose.update(ego2global_rotation=[1.0, 0, 0, 0], ego2global_translation=[500.0, 900.0, 0.0])
    path = 'data/lyft/v1.01-train/lidar/host-a101_lidar1_1.bin'
    info = dict(token='abc', lidar_path=path, timestamp=1e15, sweeps=[], cams=cams, gt_boxes=np.zeros((0, 7)), **pose)
    dump(root / 'v1.pkl', dict(infos=[dict(info, gt_names=[])], metadata=dict(version='v1.01-train')))
    (root / 'v2').mkdir()
    converter.update_lyft_infos(str(root / 'v1.pkl'), str(root / 'v2'))
    frames = InfosSurroundDataset(
        'v2/v1.pkl',
        data_root=str(root),
        data_prefix=dict.fromkeys(NuScenesSurroundDataset.CAMERAS, 'v1.01-train/images')
        | dict(lidar='v1.01-train/lidar'),
        cameras=NuScenesSurroundDataset.CAMERAS,
        pipeline=[*PIPELINE[:2], dict(type='mmdet3d.ResizeViews', size=(32, 48)), *PIPELINE[3:]],
    )
    assert frames.metainfo['rounding'] == 'floor'
    info = frames.get_data_info(0)
    assert info['frame_id'] == 'abc' and info['img_path'][1].endswith('v1.01-train/images/host-a101_cam2_1.jpeg')
    np.testing.assert_allclose(info['cam2ego'][3][:3, 2], [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(info['ori_cam2world'][0][:3, 3], [500, 900, 1.5], atol=1e-3)
    depth = frames[0]['data_samples'].gt_depth
    # The wall is 10 m from the ego's axis, where all cameras are: z-depth 10 straight ahead, less to the sides.
    for view in depth:
        assert 9.9 < view[view > 0].max() <= 10.001 and view[view > 0].min() > 10 * np.cos(np.arctan(32.5 / 50)) - 0.1


def test_infos_without_images_ask_for_cameras(tmp_path):
    dump(tmp_path / 'infos.pkl', dict(metainfo={}, data_list=[dict(token='a', images=dict(CAM=dict()))]))
    with pytest.raises(ValueError, match='infos.pkl: no frame has images: state cameras'):
        InfosSurroundDataset('infos.pkl', data_root=str(tmp_path), pipeline=[])


def test_a_camera_that_the_first_frame_alone_lacks_is_not_left_out_of_all(tmp_path):
    root = write_toy_infos(tmp_path, dict(FRONT=0, LEFT=60, RIGHT=300))
    content = pickle.loads((root / 'infos.pkl').read_bytes())
    del content['data_list'][0]['images']['LEFT']
    dump(root / 'infos.pkl', content)
    prefix = dict(img='samples', lidar='samples/LIDAR_TOP')
    with pytest.raises(ValueError, match=r"infos.pkl: frame token0: its images have no \['LEFT'\]"):
        InfosSurroundDataset('infos.pkl', data_root=str(root), data_prefix=prefix, pipeline=[])
    stated = InfosSurroundDataset(
        'infos.pkl', data_root=str(root), data_prefix=prefix, cameras=['FRONT', 'RIGHT'], pipeline=[]
    )
    assert len(stated) == 2


def test_waymo(tmp_path, converter):
    """Five cameras, 3x4 and 4x4 intrinsics, LiDAR in the vehicle's frame, folders named after nothing in the infos."""
    root, names = tmp_path / 'waymo', ['FRONT', 'FRONT_LEFT', 'FRONT_RIGHT', 'SIDE_LEFT', 'SIDE_RIGHT']
    front = np.array([[0.0, -1, 0, 0], [0, 0, -1, 1.5], [1, 0, 0, -1.5], [0, 0, 0, 1]])
    lidar2cams = []
    for degrees in (0, 45, -45, 90, -90):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turn = np.array([[c, s, 0, 0], [-s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        lidar2cams.append(front @ turn)
    P = np.array([[50.0, 0, 32, 0], [0, 50, 24, 0], [0, 0, 1, 0]])
    for n in range(5):
        (root / f'training/image_{n}').mkdir(parents=True)
        cv2.imwrite(str(root / f'training/image_{n}/000007.png'), np.zeros((48, 64, 3), np.uint8))
    (root / 'training/velodyne').mkdir()
    points = np.c_[cylinder_points() + [0, 0, 1.5, 0], np.zeros(4000), -np.ones(4000)].astype(np.float32)
    points.tofile(root / 'training/velodyne/000007.bin')
    dump(root / 'v1.pkl', [v1_info(7, [P] * 5, lidar2cams, (48, 64), 6)])
    (root / 'v2').mkdir()
    converter.update_waymo_infos(str(root / 'v1.pkl'), str(root / 'v2'))
    cameras = [f'CAM_{name}' for name in names]
    prefix = {camera: f'training/image_{n}' for n, camera in enumerate(cameras)}
    frames = InfosSurroundDataset(
        'v2/v1.pkl',
        data_root=str(root),
        data_prefix=dict(prefix, lidar='training/velodyne'),
        cameras=cameras,
        pipeline=PIPELINE,
    )
    info = frames.get_data_info(0)
    np.testing.assert_allclose(info['cam2ego'], np.linalg.inv(lidar2cams), atol=1e-6)
    assert info['frame_id'] == '7' and info['stated_sizes'] == [(48, 64), None, None, None, None]
    depth = frames[0]['data_samples'].gt_depth
    # A wall 10 m around the ego, seen from 1.5 m ahead of its centre.
    assert 8.3 < depth[0][depth[0] > 0].max() < 8.6


def nuscenes(tmp_path, sample_data, change, cameras=None):
    """The real key frame's infos, changed, as a second frame behind itself."""
    content = pickle.loads((sample_data / 'nuscenes_sample/nuscenes_infos_val.pkl').read_bytes())
    info = pickle.loads(pickle.dumps(content['data_list'][0]))
    info['token'] = 'second'
    content['data_list'].append(change(info) or info)
    dump(tmp_path / 'infos.pkl', content)
    options = dict(pipeline=[], test_mode=True, cameras=cameras)
    return NuScenesSurroundDataset('infos.pkl', data_root=str(tmp_path), **options)


def in_camera(**fields):
    return lambda info: info['images']['CAM_FRONT'].update(fields)


@pytest.mark.parametrize(
    'change, message',
    [
        (in_camera(cam2img=None), 'frame second: CAM_FRONT: cam2img must be a 3x3, 3x4 or 4x4 matrix'),
        (in_camera(cam2img=[[1, 2], [3, 4]]), 'frame second: CAM_FRONT: cam2img must be a 3x3'),
        (in_camera(cam2img='wide'), 'frame second: CAM_FRONT: could not convert string'),
        (in_camera(lidar2cam=None), 'frame second: CAM_FRONT: lidar2cam must be a 4x4 matrix'),
        (in_camera(lidar2cam=np.eye(3)), 'frame second: CAM_FRONT: lidar2cam must be a 4x4 matrix'),
        (
            in_camera(cam2ego=np.full((4, 4), np.nan)),
            'frame second: CAM_FRONT: cam2ego must be a 4x4 matrix of finite',
        ),
        (in_camera(img_path=None), "frame second has no 'CAM_FRONT: img_path'"),
        (in_camera(lidar2img=np.eye(4)), 'frame second: CAM_FRONT: lidar2img is not cam2img @ lidar2cam'),
        (in_camera(height='tall', width=3), 'frame second: CAM_FRONT: invalid literal'),
        (lambda info: info['images'].update(CAM_FRONT=None), 'frame second: CAM_FRONT: '),
        (
            lambda info: info['images'].pop('CAM_FRONT') and None,
            r"frame second: its images have no \['CAM_FRONT'\]; they have",
        ),
        (lambda info: info.update(images=None), 'frame second: '),
        (lambda info: info.pop('images') and None, "frame second has no 'images'"),
        (
            lambda info: info.pop('lidar_points') and None,
            'frame second: it has no lidar_points; a frame without LiDAR has',
        ),
        (lambda info: info['lidar_points'].pop('num_pts_feats') and None, "frame second has no 'num_pts_feats'"),
        (lambda info: info['lidar_points'].update(lidar2ego=[1]), 'frame second: lidar2ego must be a 4x4 matrix'),
        (lambda info: info.update(ego2global=np.full((4, 4), np.inf)), 'frame second: ego2global must be a 4x4'),
        (lambda info: info.update(token=None, sample_idx=None), 'entry 1 of data_list has neither a token nor'),
        (lambda info: 'a word', "entry 1 of data_list must be a dict, found 'a word'"),
    ],
)
def test_what_is_wrong_in_a_frame_is_named_with_file_and_frame(tmp_path, sample_data, change, message):
    with pytest.raises(ValueError, match=f'infos.pkl: {message}'):
        nuscenes(tmp_path, sample_data, change)


def test_none_in_a_list_of_frames(tmp_path):
    dump(tmp_path / 'infos.pkl', dict(metainfo=None, data_list=[None]))
    with pytest.raises(ValueError, match='infos.pkl: entry 0 of data_list must be a dict, found None'):
        NuScenesSurroundDataset('infos.pkl', data_root=str(tmp_path), pipeline=[])


@pytest.mark.parametrize(
    'content, message',
    [
        (pickle.dumps(None), 'infos.pkl holds NoneType, not the v2 infos'),
        (pickle.dumps(dict(data_list=None)), r"infos.pkl holds \['data_list'\], not the v2 infos"),
        (
            b'cno_such_module_at_all\nThing\n.',
            'infos.pkl holds objects of a module that is not installed: .*no_such_mod',
        ),
        (b'cos\nno_such_function\n.', 'infos.pkl is cut or no pickle: AttributeError'),
        (b'\x80\x05\x95\xff\xff', 'infos.pkl is cut or no pickle'),
        (b'hello', 'infos.pkl is cut or no pickle'),
    ],
)
def test_pickles_that_cannot_be_read(tmp_path, content, message):
    (tmp_path / 'infos.pkl').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        NuScenesSurroundDataset('infos.pkl', data_root=str(tmp_path), pipeline=[])


def test_sizes_of_infos_are_compared(tmp_path, sample_data):
    content = pickle.loads((sample_data / 'nuscenes_sample/nuscenes_infos_val.pkl').read_bytes())
    content['data_list'][0]['images']['CAM_BACK'].update(height=899, width=1600)
    dump(tmp_path / 'infos.pkl', content)
    frames = NuScenesSurroundDataset(
        str(tmp_path / 'infos.pkl'),
        data_root=str(sample_data / 'nuscenes_sample'),
        pipeline=PIPELINE[:1],
        test_mode=True,
    )
    with pytest.raises(ValueError, match='CAM_BACK.*jpg is 900x1600 .*, its calibration is for 899x1600'):
        frames[0]
    # None is stated: nuScenes has one size.
    own_copy = tmp_path / 'samples/CAM_BACK'
    own_copy.mkdir(parents=True)
    (original,) = (sample_data / 'nuscenes_sample/samples/CAM_BACK').glob('*27637525.jpg')
    cv2.imwrite(str(own_copy / original.name), cv2.resize(cv2.imread(str(original)), (1280, 720)))
    del content['data_list'][0]['images']['CAM_BACK']['height']
    dump(tmp_path / 'infos.pkl', content)
    frames = NuScenesSurroundDataset(
        'infos.pkl', cameras=['CAM_BACK'], data_root=str(tmp_path), pipeline=PIPELINE[:1], test_mode=True
    )
    with pytest.raises(ValueError, match='CAM_BACK.*jpg is 720x1280 .*, its calibration is for 900x1600'):
        frames[0]
    content['data_list'][0]['images']['CAM_BACK'].update(height=450, width=800)
    dump(tmp_path / 'infos.pkl', content)
    with pytest.raises(
        ValueError, match='camera CAM_BACK: cam2img: the principal point .* outside the image of 800x450'
    ):
        NuScenesSurroundDataset(
            str(tmp_path / 'infos.pkl'), data_root=str(sample_data / 'nuscenes_sample'), pipeline=[]
        )


@pytest.mark.parametrize('path', ['samples/LIDAR_TOP/log__LIDAR_TOP__1.pcd.bin', 'LIDAR/log__1.bin', 'log__1.bin'])
def test_the_scene_is_the_log_without_folders(tmp_path, sample_data, path):
    frames = nuscenes(tmp_path, sample_data, lambda info: info['lidar_points'].update(lidar_path=path))
    assert frames.get_data_info(1)['scene'] == 'log'
    frames = nuscenes(tmp_path, sample_data, lambda info: info['lidar_points'].update(lidar_path='LIDAR/17.bin'))
    assert frames.get_data_info(1)['scene'] == 'infos'


@pytest.mark.parametrize('key', ['lidar_path', 'img_path'])
def test_two_frames_that_would_read_one_file_are_refused(tmp_path, sample_data, key):
    def change(info):
        fields = info['lidar_points'] if key == 'lidar_path' else info['images']['CAM_FRONT']
        fields[key] = f'another/{osp.basename(fields[key])}'

    with pytest.raises(
        ValueError, match='would be read for .* and for another/.*: data_prefix names one folder a sensor'
    ):
        nuscenes(tmp_path, sample_data, change)


@pytest.mark.parametrize('prefix', [dict(img='samples', pts='samples/LIDAR_TOP'), dict(CAM_FRONT='a', lidar='b')])
def test_folders_under_unknown_names(tmp_path, sample_data, prefix):
    with pytest.raises(ValueError, match='data_prefix may name img, lidar and cameras'):
        NuScenesSurroundDataset(
            'nuscenes_infos_val.pkl', data_root=str(sample_data / 'nuscenes_sample'), data_prefix=prefix, pipeline=[]
        )


def test_frames_for_detectors_are_checked_as_well(sample_data):
    """SurroundFromInfos reads what mmdet3d's own data set gives it."""
    from fsmde.datasets.transforms import SurroundFromInfos

    info = pickle.loads((sample_data / 'nuscenes_sample/nuscenes_infos_val.pkl').read_bytes())['data_list'][0]
    info['num_pts_feats'] = 5
    for camera, view in info['images'].items():
        view['img_path'] = f'samples/{camera}/{view["img_path"]}'
    info['images']['CAM_BACK'].update(height=900, width=1600)
    results = SurroundFromInfos()(dict(info))
    assert results['cam_names'] == list(info['images']) and (900, 1600) in results['stated_sizes']
    np.testing.assert_array_equal(results['lidar2cam'][0], info['images']['CAM_FRONT']['lidar2cam'])
    info['images']['CAM_BACK']['lidar2cam'] = np.diag([1, 1, -1, 1]) @ info['images']['CAM_BACK']['lidar2cam']
    with pytest.raises(ValueError, match='frame ca9a282.*: camera CAM_BACK: lidar2cam holds a reflection'):
        SurroundFromInfos()(dict(info))
