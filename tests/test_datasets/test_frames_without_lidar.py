"""Frames that are stated to have no LiDAR, and data sets where there is no ground truth although LiDAR is stated."""

import json
import pickle

import cv2
import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from toy_run import PIPELINE, TEST_PIPELINE, distilled

from fsmde.datasets import DDADDataset, NuScenesSurroundDataset
from fsmde.evaluation import SurroundDepthMetric
from fsmde.poses import quaternion_to_matrix
from toy_dgp import cylinder_points, pose, write_toy_dgp

CLOUD = '000000/point_cloud/LIDAR/{}.npz'


def edit_scene(root, change):
    path = root / '000000/scene_0.json'
    scene = json.loads(path.read_text())
    change(scene)
    path.write_text(json.dumps(scene))


def without_lidar(root, samples):
    """State that some samples have no LiDAR, and take their clouds away."""

    def change(scene):
        for datum in scene['data']:
            if datum['key'] in {f'LIDAR-{n}' for n in samples}:
                datum['datum'] = {'point_cloud': {}}

    edit_scene(root, change)
    for n in samples:
        (root / CLOUD.format(n)).unlink()


def test_a_frame_without_lidar_is_unlabelled_in_training(tmp_path, logged):
    root = write_toy_dgp(tmp_path / 'toy')
    before = DDADDataset(data_root=str(root), pipeline=PIPELINE)
    before.set_epoch(0, 0)
    before = before[0]['data_samples']
    without_lidar(root, [1])
    frames = DDADDataset(data_root=str(root), pipeline=PIPELINE)
    frames.set_epoch(0, 0)
    assert any('ddad.json: 1 of 3 frames have no LiDAR: no ground truth' in message for message in logged)
    samples = [frames[n]['data_samples'] for n in range(3)]
    assert [sample.frame_id for sample in samples] == ['000000/0000', '000000/0001', '000000/0002']
    assert [bool(sample.gt_depth.any()) for sample in samples] == [True, False, True]
    # The others, and where the LiDAR would be, are as before: flips need it.
    assert torch.equal(samples[0].gt_depth, before.gt_depth)
    np.testing.assert_allclose(samples[1].lidar2cam[0], samples[0].lidar2cam[0], atol=1e-6)
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        torch.manual_seed(0)
        model = MODELS.build(distilled()).train()
        losses = model(**model.data_preprocessor(pseudo_collate([frames[1]])), mode='loss')
    assert losses['loss_depth'] == 0 and losses['loss_kd_prob'] > 0


def test_in_evaluation_it_has_no_ground_truth(tmp_path, logged):
    root = write_toy_dgp(tmp_path / 'toy')
    without_lidar(root, [1])
    frames = DDADDataset(data_root=str(root), pipeline=TEST_PIPELINE, test_mode=True)
    assert any('1 of 3 frames have no LiDAR' in message for message in logged)
    samples = [frames[n]['data_samples'] for n in range(3)]
    assert [len(sample.lidar_pixels.z) > 0 for sample in samples] == [True, False, True]
    assert [len(frames.lidar_pixels(n)[0].z) > 0 for n in range(3)] == [True, False, True]
    metric = SurroundDepthMetric()
    metric.dataset_meta = frames.metainfo
    for sample in samples:
        metric.process(None, [dict(sample.to_dict(), pred_depth=torch.full((6, 48, 64), 8.0))])
    assert 0 < metric.evaluate(3)['depth/abs_rel'] < 1


def test_a_frame_whose_lidar_is_missing_by_accident_is_refused(tmp_path):
    root = write_toy_dgp(tmp_path / 'toy')
    edit_scene(root, lambda scene: scene['samples'][1]['datum_keys'].remove('LIDAR-1'))
    with pytest.raises(
        ValueError, match="sample 1 has no LIDAR; .*without LiDAR has the datum, with 'point_cloud': {}"
    ):
        DDADDataset(data_root=str(root), pipeline=[])


def test_a_data_set_without_lidar(tmp_path):
    root = write_toy_dgp(tmp_path / 'toy')
    edit_scene(root, lambda s: [sample['datum_keys'].remove(f'LIDAR-{n}') for n, sample in enumerate(s['samples'])])
    calibration = root / '000000/calibration/c0.json'
    content = json.loads(calibration.read_text())
    calibration.write_text(json.dumps({key: values[1:] for key, values in content.items()}))
    frames = DDADDataset(data_root=str(root), pipeline=PIPELINE, lidar=None)
    assert not any(frames[n]['data_samples'].gt_depth.any() for n in range(3))
    with pytest.raises(ValueError, match='ddad.json: only_labelled=True, and none of 3 frames keeps LiDAR'):
        DDADDataset(data_root=str(root), pipeline=PIPELINE, lidar=None, only_labelled=True)


@pytest.mark.parametrize('mistake', ['inverted', 'of the car'])
def test_world_poses_are_compared_with_the_mountings_without_lidar_too(tmp_path, mistake):
    root = write_toy_dgp(tmp_path / 'toy')
    without_lidar(root, range(3))
    assert len(DDADDataset(data_root=str(root), pipeline=PIPELINE)) == 3

    def change(scene):
        for datum in scene['data']:
            image = datum['datum'].get('image')
            if image and mistake == 'of the car':
                image['pose']['rotation'] = dict(qw=1.0, qx=0.0, qy=0.0, qz=0.0)
            elif image:
                w, *xyz = (image['pose']['rotation'][key] for key in ('qw', 'qx', 'qy', 'qz'))
                turn = quaternion_to_matrix(np.zeros(3), [w, *np.negative(xyz)])[:3, :3]
                back = -turn @ [image['pose']['translation'][key] for key in 'xyz']
                image['pose'] = pose([w, *np.negative(xyz)], back)

    edit_scene(root, change)
    with pytest.raises(ValueError, match='frame 000000/0000: camera CAMERA_05: ori_cam2world and cam2ego put the veh'):
        DDADDataset(data_root=str(root), pipeline=PIPELINE)


def test_the_labelled_fraction_is_that_of_the_frames_with_lidar(tmp_path):
    root = write_toy_dgp(tmp_path / 'toy', samples=6)
    without_lidar(root, [0, 2, 4])
    frames = DDADDataset(data_root=str(root), pipeline=PIPELINE, labelled_fraction=2 / 3)
    assert [frames.get_data_info(n)['labelled'] for n in range(6)] == [False, True, False, False, False, True]
    frames = DDADDataset(data_root=str(root), pipeline=PIPELINE, labelled_fraction=2 / 3, only_labelled=True)
    assert {frames.get_data_info(n)['frame_id'][-1] for n in range(6)} == {'1', '5'}


@pytest.mark.parametrize('kept', [True, False])
def test_infos_state_it_too(tmp_path, sample_data, kept):
    content = pickle.loads((sample_data / 'nuscenes_sample/nuscenes_infos_val.pkl').read_bytes())
    info = content['data_list'][0]
    lidar2cam = np.array(info['images']['CAM_BACK']['lidar2cam'])
    info['lidar_points'] = {}
    if not kept:
        for image in info['images'].values():
            del image['lidar2cam']
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps(content))
    frames = NuScenesSurroundDataset(
        str(tmp_path / 'infos.pkl'), data_root=str(sample_data / 'nuscenes_sample'), pipeline=TEST_PIPELINE
    )
    sample = frames[0]['data_samples']
    assert not sample.gt_depth.any() and len(sample.lidar_pixels.z) == 0
    # Without a LiDAR its frame is the vehicle's, if nothing else is stated.
    expected = lidar2cam if kept else np.linalg.inv(info['images']['CAM_BACK']['cam2ego'])
    np.testing.assert_allclose(sample.lidar2cam[3], expected, atol=1e-9)
    back = info['images']['CAM_BACK']['cam2ego']
    np.testing.assert_allclose(sample.ori_cam2world[3], np.array(info['ego2global']) @ back, atol=1e-6)
    assert sample.scene == 'n015-2018-07-24-11-22-45+0800'


@pytest.mark.parametrize('how', ['far away', 'behind', 'masked'])
def test_no_ground_truth_at_all_does_not_train_in_silence(tmp_path, how):
    root = write_toy_dgp(tmp_path / 'toy')
    options = dict(data_root=str(root), pipeline=PIPELINE, cameras=['CAMERA_01', 'CAMERA_05', 'CAMERA_06'])
    if how == 'masked':
        (root / 'masks').mkdir()
        for camera in options['cameras']:
            cv2.imwrite(str(root / f'masks/{camera}.png'), np.zeros((48, 64), np.uint8))
        options['self_occlusion'] = dict(root='masks', template='{camera}.png', valid=255)
    for n in range(3):
        points = cylinder_points(seed=n)
        if how == 'far away':
            points = points + [0, 0, 500, 0]
        elif how == 'behind':
            points = points[(points[:, 0] < -8) & (abs(points[:, 1]) < 3)]
        np.savez(root / CLOUD.format(n), data=points)
    with pytest.raises(
        ValueError, match='ddad.json: there is no ground truth: of 3 frames with LiDAR, 000000/0000 among'
    ):
        DDADDataset(**options)
    # One frame is enough, and evaluation says it by itself.
    assert len(DDADDataset(**options, test_mode=True)) == 3
    if how != 'masked':
        np.savez(root / CLOUD.format(1), data=cylinder_points())
        assert len(DDADDataset(**options)) == 3
