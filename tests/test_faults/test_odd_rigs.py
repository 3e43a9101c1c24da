"""Rigs of one, two and eight cameras, of mixed sizes, and frames without LiDAR: they train, predict and evaluate."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from toy_run import DISTILLERS, PIPELINE, TEST_PIPELINE, distilled

from fsmde.datasets import DDADDataset
from fsmde.evaluation import SurroundDepthMetric
from toy_dgp import cylinder_points, write_toy_dgp

RELATIONS = [dict(DISTILLERS[1], relation='feature')]


def train_and_evaluate(root, cameras, distillers=DISTILLERS):
    """One step on each frame, flipped and not, with finite losses and gradients; then the errors of all frames."""
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        torch.manual_seed(0)
        model = MODELS.build(distilled(distillers=distillers)).train()
        flipping = [dict(step, prob=1.0) if 'Flip' in step['type'] else step for step in PIPELINE]
        for pipeline in (PIPELINE, flipping):
            frames = DDADDataset(data_root=str(root), cameras=cameras, pipeline=pipeline)
            for frame in frames:
                model.zero_grad()
                losses = model(**model.data_preprocessor(pseudo_collate([frame])), mode='loss')
                total, _ = model.parse_losses(losses)
                total.backward()
                assert torch.isfinite(total)
                assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())
        frames = DDADDataset(data_root=str(root), cameras=cameras, pipeline=TEST_PIPELINE, test_mode=True)
        metric = SurroundDepthMetric()
        metric.dataset_meta = frames.metainfo
        model.eval()
        for frame in frames:
            samples = model.test_step(pseudo_collate([frame]))
            assert samples[0].pred_depth.shape == (len(cameras), 48, 64)
            metric.process(None, [sample.to_dict() for sample in samples])
        return losses, metric.evaluate(len(frames))


@pytest.mark.parametrize('number', [1, 2, 8])
@pytest.mark.parametrize('distillers', [DISTILLERS, RELATIONS])
def test_rigs_of_another_number_of_cameras(tmp_path, number, distillers):
    cameras = {f'CAM_{n}': 360 * n / number for n in range(number)}
    losses, errors = train_and_evaluate(write_toy_dgp(tmp_path / 'toy', cameras, samples=1), list(cameras), distillers)
    assert 0 < errors['depth/abs_rel'] < np.inf
    # One camera has no neighbour; features are related within its view.
    alone = number == 1 and distillers is DISTILLERS
    assert losses['loss_kd_view'] == 0 if alone else losses['loss_kd_view'] > 0


def test_a_rig_of_mixed_image_sizes(tmp_path):
    cameras = dict(FRONT=0, LEFT=60, RIGHT=-60)
    root = write_toy_dgp(tmp_path / 'toy', cameras, samples=1)
    large = cv2.resize(cv2.imread(str(root / '000000/rgb/FRONT/0.png')), (96, 72))
    cv2.imwrite(str(root / '000000/rgb/FRONT/0.png'), large)
    path = root / '000000/calibration/c0.json'
    calibration = json.loads(path.read_text())
    place = calibration['names'].index('FRONT')
    calibration['intrinsics'][place] = {key: 1.5 * value for key, value in calibration['intrinsics'][place].items()}
    path.write_text(json.dumps(calibration))
    _, errors = train_and_evaluate(root, list(cameras))
    assert 0 < errors['depth/FRONT/abs_rel'] < np.inf


def test_images_and_frames_without_lidar(tmp_path):
    root = write_toy_dgp(tmp_path / 'toy', samples=3)
    clouds = root / '000000' / 'point_cloud' / 'LIDAR'
    points = cylinder_points()
    np.savez(clouds / '1.npz', data=points[points[:, 0] > 0])
    np.savez(clouds / '2.npz', data=points + [0, 0, 100, 0])
    losses, errors = train_and_evaluate(root, list(DDADDataset.CAMERAS))
    assert 0 < errors['depth/abs_rel'] < np.inf
    # The last frame has no LiDAR: the teacher's shape is learned all the same.
    assert losses['loss_depth'] == losses['loss_chamfer'] == losses['loss_kd_cross'] == 0
    assert losses['loss_kd_prob'] > 0 and losses['loss_kd_ssi'] > 0
