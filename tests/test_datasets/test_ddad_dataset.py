import json

import numpy as np
import pytest

from fsmde.datasets import DDADDataset
from toy_dgp import write_toy_dgp

PIPELINE = [dict(type='mmdet3d.LoadSurroundImages'), dict(type='mmdet3d.LoadSurroundLidar')]


def dataset(root, **kwargs):
    return DDADDataset(data_root=str(root), pipeline=kwargs.pop('pipeline', PIPELINE), **kwargs)


def scene_file(root):
    return root / '000000' / 'scene_0.json'


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_frames_are_keyed_by_scene_and_sample(toy_dgp):
    frames = dataset(toy_dgp)
    assert [frames.get_data_info(i)['frame_id'] for i in range(len(frames))] == [f'000000/000{i}' for i in range(3)]
    info = frames.get_data_info(1)
    # Poses 40 km out are composed in float64: camera and LiDAR share an origin, to the micrometre.
    assert np.abs(info['lidar2cam'][:, :3, 3]).max() < 1e-6
    assert frames.metainfo['cam_names'] == list(DDADDataset.CAMERAS)


def test_cylinder_is_at_the_depth_computed_by_hand(toy_dgp):
    pixels, visible, sizes = dataset(toy_dgp).lidar_pixels(0)
    assert visible.all() and (sizes == [48, 64]).all()
    front = pixels.camera == 0
    # z = 10 cos(azimuth) and u = 40 tan(-azimuth) + 32, whose pixel is truncated.
    expected = 10 * np.cos(np.arctan((pixels.u[front] + 0.5 - 32) / 40))
    np.testing.assert_allclose(pixels.z[front], expected, atol=0.15)


def test_iterating_ends(toy_dgp):
    assert [frame['frame_id'] for frame in dataset(toy_dgp)] == [f'000000/000{i}' for i in range(3)]


def test_subset_and_order_of_cameras(toy_dgp):
    frames = dataset(
        toy_dgp, cameras=['CAMERA_06', 'CAMERA_01'], pipeline=[*PIPELINE, dict(type='mmdet3d.PackSurroundInputs')]
    )
    sample = frames[0]['data_samples']
    assert sample.cam_names == ['CAMERA_06', 'CAMERA_01'] and sample.neighbors.tolist() == [[1, 1], [0, 0]]
    assert '/CAMERA_06/' in sample.img_path[0]
    with pytest.raises(ValueError, match='twice'):
        dataset(toy_dgp, cameras=['CAMERA_01', 'CAMERA_01'])


def test_lazy_init_reads_nothing(tmp_path):
    frames = DDADDataset(data_root=str(tmp_path / 'absent'), pipeline=[], lazy_init=True)
    with pytest.raises(FileNotFoundError, match='pass --data-root'):
        frames.full_init()


def test_absent_index_and_wrong_split(toy_dgp):
    with pytest.raises(FileNotFoundError, match='data_root or ann_file'):
        dataset(toy_dgp, ann_file='other.json')
    with pytest.raises(ValueError, match="split must be one of .* found 'training'"):
        dataset(toy_dgp, split='training')
    with pytest.raises(ValueError, match="split 'test' is not there; it has \\['train', 'val'\\]"):
        dataset(toy_dgp, split='test')


def test_json_cut_in_half(toy_dgp):
    text = scene_file(toy_dgp).read_text()
    scene_file(toy_dgp).write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match='scene_0.json is cut or no JSON'):
        dataset(toy_dgp)


def test_camera_missing_in_a_scene(toy_dgp):
    edit(scene_file(toy_dgp), lambda scene: scene['samples'][1]['datum_keys'].remove('CAMERA_07-1'))
    with pytest.raises(ValueError, match='scene_0.json: sample 1 has no CAMERA_07; it has'):
        dataset(toy_dgp)
    assert len(dataset(toy_dgp, cameras=['CAMERA_01', 'CAMERA_05'])) == 3


def test_duplicate_and_dangling_keys(toy_dgp):
    edit(scene_file(toy_dgp), lambda scene: scene['data'].append(scene['data'][0]))
    with pytest.raises(ValueError, match='two data have the same key'):
        dataset(toy_dgp)
    edit(scene_file(toy_dgp), lambda scene: (scene['data'].pop(), scene['data'].pop()))
    with pytest.raises(ValueError, match="data that are not there: \\['CAMERA_06-2'\\]"):
        dataset(toy_dgp)


def test_singular_intrinsics_and_bad_quaternions(toy_dgp):
    calibration = toy_dgp / '000000' / 'calibration' / 'c0.json'
    saved = calibration.read_text()
    edit(calibration, lambda c: c['intrinsics'][2].update(fx=0.0))
    with pytest.raises(ValueError, match='frame 000000/0000: camera CAMERA_05: cam2img is singular'):
        dataset(toy_dgp)
    calibration.write_text(saved)
    edit(calibration, lambda c: c['extrinsics'][2]['rotation'].update(qw=9.0))
    with pytest.raises(ValueError, match='c0.json: pose of CAMERA_05: not a rotation'):
        dataset(toy_dgp)


def test_fields_that_proto3_leaves_out_are_zero(toy_dgp):
    calibration = toy_dgp / '000000' / 'calibration' / 'c0.json'
    before = dataset(toy_dgp).get_data_info(0)['cam2img']

    def drop_zeros(content):
        for entry in content['intrinsics']:
            entry.pop('skew')
        content['extrinsics'][0] = dict(rotation=dict(qw=1.0))

    edit(calibration, drop_zeros)
    np.testing.assert_array_equal(dataset(toy_dgp).get_data_info(0)['cam2img'], before)


@pytest.mark.parametrize('fault', ['cut image', 'no image', 'empty image', 'empty LiDAR', 'NaN LiDAR', 'cut LiDAR'])
def test_broken_frame_is_replaced_in_training_and_raises_in_test(toy_dgp, fault, caplog):
    image = toy_dgp / '000000' / 'rgb' / 'CAMERA_09' / '1.png'
    cloud = toy_dgp / '000000' / 'point_cloud' / 'LIDAR' / '1.npz'
    if fault == 'cut image':
        image.write_bytes(image.read_bytes()[:-40])
    elif fault == 'no image':
        image.unlink()
    elif fault == 'empty image':
        image.write_bytes(b'')
    elif fault == 'empty LiDAR':
        np.savez(cloud, data=np.zeros((0, 4)))
    elif fault == 'NaN LiDAR':
        np.savez(cloud, data=np.full((9, 4), np.nan))
    else:
        cloud.write_bytes(cloud.read_bytes()[:500])
    path = str(image if 'image' in fault else cloud)
    assert dataset(toy_dgp)[1]['frame_id'] == '000000/0002'
    with pytest.raises((ValueError, FileNotFoundError), match=path):
        dataset(toy_dgp, test_mode=True)[1]


def test_a_data_set_without_a_readable_frame_raises(toy_dgp, logged):
    for path in (toy_dgp / '000000' / 'rgb' / 'CAMERA_01').iterdir():
        path.write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'000000/rgb/CAMERA_01/1\.'):
        dataset(toy_dgp)[2]  # Behind it come 0, 1, 2 and so on, 20 of them.
    assert logged[-1].startswith('21 frames in a row could not be read')


def test_points_that_are_not_finite_are_left_out(toy_dgp):
    cloud = toy_dgp / '000000' / 'point_cloud' / 'LIDAR' / '0.npz'
    points = np.load(cloud)['data']
    whole = dataset(toy_dgp).lidar_pixels(0)[0]
    np.savez(cloud, data=np.concatenate([points, np.full((5, 4), np.nan)]))
    np.testing.assert_array_equal(dataset(toy_dgp).lidar_pixels(0)[0].z, whole.z)


@pytest.mark.parametrize('valid', [255, 0])
def test_self_occlusion_masks_of_both_polarities(toy_dgp, valid):
    import cv2

    folder = toy_dgp / 'masks' / '000000'
    folder.mkdir(parents=True)
    for name in DDADDataset.CAMERAS:
        mask = np.full((48, 64), valid, dtype=np.uint8)
        mask[40:] = 255 - valid
        cv2.imwrite(str(folder / f'{name}.png'), mask)
    frames = dataset(toy_dgp, self_occlusion=dict(root='masks', valid=valid))
    visible = frames[0]['visible']
    assert all(v[:40].all() and not v[40:].any() for v in visible)
    pixels, seen, _ = frames.lidar_pixels(0)
    np.testing.assert_array_equal(seen, pixels.v < 40)
    with pytest.raises(ValueError, match='valid=255 or valid=0'):
        dataset(toy_dgp, self_occlusion=dict(root='masks'))
    cv2.imwrite(str(folder / 'CAMERA_01.png'), np.zeros((24, 32), dtype=np.uint8))
    with pytest.raises(ValueError, match='the mask is \\(24, 32\\), its image \\(48, 64\\)'):
        dataset(toy_dgp, self_occlusion=dict(root='masks', valid=valid), test_mode=True)[0]


def test_random_choices_follow_seed_epoch_and_frame(toy_dgp):
    frames = dataset(toy_dgp)

    def draw(seed, epoch, index):
        frames.set_epoch(seed, epoch)
        return frames.get_data_info(index)['rng'].random()

    assert draw(1, 2, 0) == draw(1, 2, 0)
    assert len({draw(1, 2, 0), draw(1, 3, 0), draw(1, 2, 1), draw(2, 2, 0)}) == 4


def test_ground_truth_is_the_published_one_on_real_frames(sample_data):
    frames = dataset(sample_data / 'ddad_sample')
    pixels, _, sizes = frames.lidar_pixels(0)
    depth = pixels.scatter(6, *sizes[0], collisions='last')
    for camera, (count, mean, farthest) in enumerate([(5157, 34.584, 176.01), (11850, 20.293, 115.85)]):
        values = depth[camera][depth[camera] > 0]
        assert len(values) == count
        assert values.mean(dtype=np.float64) == pytest.approx(mean, abs=6e-4)
        assert values.max() == pytest.approx(farthest, abs=6e-3)
    assert depth.nbytes > 50 * 2**20 and sum(getattr(pixels, f).nbytes for f in ('camera', 'u', 'v', 'z')) < 2**20


def test_cameras_of_other_sizes_and_number(tmp_path):
    root = write_toy_dgp(tmp_path / 'rig', cameras=dict(FRONT=0, LEFT=100, RIGHT=-100), size=(36, 50))
    frames = dataset(root, cameras=['FRONT', 'LEFT', 'RIGHT'])
    assert frames[0]['img'][0].shape == (36, 50, 3)
