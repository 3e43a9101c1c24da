"""The built-in world through lenses: ground truth as of pinholes, and a ring of fisheyes that closes and trains."""

import cv2
import numpy as np
import pytest
from mmdet3d.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from processes import run_tool
from toy_run import logged_losses

from fsmde.datasets import DDADDataset
from fsmde.rig import unproject_depth

pytest.importorskip('embreex')
from fsmde.synthetic import make_world

MASKS = dict(root='masks', template='{scene}/{camera}.png', valid=255)
BEHIND = [
    dict(type=name)
    for name in ('LoadSurroundLidar', 'LoadDenseDepth', 'KeepLidarPixels', 'ProjectLidarDepth', 'PackSurroundInputs')
]


@pytest.fixture(scope='module')
def worlds(tmp_path_factory):
    """A function that makes a world of one training and one validation scene of a frame each."""
    init_default_scope('mmdet3d')
    folder = tmp_path_factory.mktemp('worlds')

    def make(rig, size):
        few = dict(train_scenes=1, val_scenes=1, test_scenes=0, frames_per_scene=1)
        return make_world(folder / str(rig), rig=rig, size=size, **few)

    return make


def frame(world, *rectify, measure='z_depth', **kwargs):
    """The frame of the world's validation scene."""
    folder = 'depth' if measure == 'z_depth' else 'distance'
    dataset = DDADDataset(
        data_root=str(world), split='val', self_occlusion=MASKS, dense_depth=folder + '/{camera}/{stem}.png',
        dense_depth_measure=measure, pipeline=[dict(type='LoadSurroundImages'), *rectify, *BEHIND], **kwargs,
    )  # fmt: skip
    return dataset[0]['data_samples']


@pytest.mark.parametrize('rig, measure', [('plumb_bob', 'z_depth'), ('equidistant', 'distance')])
def test_ground_truth_through_a_lens_is_a_pinholes(worlds, rig, measure):
    straight = frame(worlds(None, (96, 160)))
    bent = frame(worlds(rig, (96, 160)), dict(type='RectifyViews'), measure=measure)
    both = (straight.valid_mask & bent.valid_mask).numpy()
    assert both.mean() > 0.9
    np.testing.assert_array_equal(bent.gt_depth.numpy()[both], straight.gt_depth.numpy()[both])
    assert (bent.gt_depth.numpy()[both] > 0).sum() > 20_000
    # Dense depth was ray-cast through the other pixels of each, and resampled: 0.1 %, but for what is as thin as a pixel.
    expected, found = np.asarray(straight.dense_depth), np.asarray(bent.dense_depth)
    known = both & (expected > 0) & (found > 0)
    error = np.abs(found - expected)[known] / expected[known]
    assert np.median(error) < 1e-3 and (error < 1e-2).mean() > 0.8 and known.mean() > 0.5
    np.testing.assert_allclose(bent.cam2ego, straight.cam2ego)


def test_the_shipped_config_rectifies_in_training_and_evaluation(worlds):
    config = Config.fromfile('configs/lenses/rectified_demo.py')
    for loader in (config.train_dataloader, config.val_dataloader):
        sample = DATASETS.build(dict(loader.dataset, data_root=str(worlds('plumb_bob', (96, 160)))))[0]['data_samples']
        assert sample.gt_depth.shape == (6, 96, 160) and 0.5 < sample.valid_mask.float().mean() < 1


def test_the_cloud_of_four_fisheyes_closes_without_seams(worlds):
    views = [
        dict(name=name, azimuth=azimuth, level=True, hfov=80, width=160, height=120)
        for name, azimuth in (('left', 60), ('ahead', 0), ('right', -60))
    ]
    cameras = ['FRONT', 'LEFT', 'BACK', 'RIGHT']
    rectify = dict(type='RectifyViews', views=dict.fromkeys(cameras, views))
    sample = frame(worlds('fisheyes', (240, 320)), rectify, measure='distance', cameras=cameras)
    assert len(sample.cam_names) == 12 and (sample.gt_depth > 0).flatten(1).sum(1).min() > 300
    # The fisheyes look down to the road, their views do not.
    np.testing.assert_allclose(sample.cam2ego[:, 2, 1], -1, atol=1e-9)
    of_pairs = [seam(sample, n, m) for n, (m, _) in enumerate(sample.neighbors)]
    assert all(len(errors) > 300 and abs(np.median(errors)) < 1e-3 for errors in of_pairs)
    gap = np.median(np.abs(np.concatenate(of_pairs)))
    # 0.07 % was measured, and 0.65 % with every left neighbour turned by a degree.
    turned = [seam(sample, n, m, degrees=1) for n, (m, _) in enumerate(sample.neighbors)]
    assert gap < 0.003 and np.median(np.abs(np.concatenate(turned))) > 3 * gap


def seam(sample, n, m, degrees=0):
    """Relative differences of depth between what view n sees of the world and what view m sees in the same places.

    Differences above 10 % are left out: there something else is in the way of one of them.
    """
    depth = np.asarray(sample.dense_depth) * sample.valid_mask.numpy()
    points = unproject_depth(depth[n], sample.cam2img[n])[(depth[n] > 0) & (depth[n] < 40)]
    turn = np.eye(4)
    turn[:3, :3] = cv2.Rodrigues(np.radians([0.0, degrees, 0]))[0]
    move = turn @ np.linalg.inv(sample.cam2ego[m]) @ sample.cam2ego[n]
    points = points @ move[:3, :3].T + move[:3, 3]
    points = points[points[:, 2] > 0.1]
    u, v = (points @ sample.cam2img[m].T)[:, :2].T / points[:, 2]
    inside = (u > 1) & (u < 159) & (v > 1) & (v < 119)
    # Inverse depth is linear on a plane.
    inverse = np.where(depth[m] > 0, 1 / np.maximum(depth[m], 1e-3), 0).astype(np.float32)
    at = [(x[inside] - 0.5).astype(np.float32) for x in (u, v)]
    there = cv2.remap(inverse, *at, cv2.INTER_LINEAR)[:, 0]
    errors = there * points[inside, 2] - 1
    return errors[(there > 0) & (np.abs(errors) < 0.1)]


def test_four_fisheyes_train_and_evaluate_as_twelve_views(worlds, tmp_path):
    world = worlds('fisheyes', (240, 320))
    options = (
        'model.backbone.base_channels=8', 'model.neck.channels=8', 'model.head.channels=8', 'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1', 'param_scheduler.1.T_max=1', 'param_scheduler.1.end=1', 'train_dataloader.batch_size=1',
        'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False', 'val_dataloader.num_workers=0',
        'val_dataloader.persistent_workers=False', 'default_hooks.logger.interval=1',
    )  # fmt: skip
    code, printed = run_tool(
        'train.py', 'configs/lenses/fisheyes_demo.py', '--data-root', world, '--work-dir', tmp_path / 'run',
        '--cfg-options', *options, log=tmp_path / 'log',
    )  # fmt: skip
    assert code == 0, printed[-3000:]
    rows = logged_losses(tmp_path / 'run')
    assert rows and all(np.isfinite(row['loss']) for row in rows.values())
    for camera in ('FRONT', 'LEFT', 'BACK', 'RIGHT'):
        for view in ('left', 'ahead', 'right'):
            assert f'depth/{camera}/{view}/abs_rel' in printed
    assert 'depth/fsmde_dense/abs_rel' in printed and 'depth/consistency/abs_rel' in printed
