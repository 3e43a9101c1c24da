"""A teacher that reads poses: it is asked about the unaugmented rig, and its answer lies where the student's views are."""

import copy

import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from test_cached import ALIGNED, cached, config, losses, write_cache
from toy_run import CENTRE, cylinder_depth

from fsmde.models.estimators.bin_depth_estimator import rig_batch

TEACHER = dict(type='ToyRigTeacher')


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


def batch_of(cfg, epoch):
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    dataset.set_epoch(0, epoch)
    return pseudo_collate([dataset[i] for i in range(3)])


def test_the_answer_is_that_of_the_students_own_rig(toy_dgp):
    """The teacher knows the depth of a cylinder beside the vehicle from poses alone; mirrored frames mirror it."""
    cfg = config(toy_dgp, ALIGNED, TEACHER)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    flips, checked = set(), 0
    for epoch in range(3):
        data = model.data_preprocessor(batch_of(cfg, epoch), training=True)
        rig = rig_batch(data['data_samples'], data['inputs']['img'])
        answer = model.teach(data['inputs'], data['data_samples'], rig)
        for n, sample in enumerate(data['data_samples']):
            flipped = tuple(sample.cam_order) != tuple(range(6))
            flips.add(flipped)
            x, y = CENTRE
            expected = cylinder_depth(rig.cam2img, rig.cam2ego, rig.image_size, (x, -y if flipped else y))[n]
            seen = answer.valid[n]
            checked += seen.float().mean().item() / 9
            # Bilinear reading of a smooth map.
            torch.testing.assert_close(answer.depth[n][seen], 0.1 * expected[seen], rtol=5e-3, atol=0)
    assert flips == {False, True} and checked > 0.8
    assert answer.space == 'depth_scale_invariant_multi_view'


def test_cache_and_live_agree_and_other_poses_are_stale(toy_dgp, tmp_path):
    live = config(toy_dgp, ALIGNED, TEACHER)
    cache = write_cache(live, tmp_path)
    with np.load(cache / '000000' / '0001.npz') as archive:
        assert archive['cam2ego'].shape == (6, 4, 4) and 'lidar_points' not in archive
    from_cache = cached(live, cache, TEACHER)
    for epoch in range(3):
        assert losses(from_cache, epoch=epoch)[0] == pytest.approx(losses(live, epoch=epoch)[0], rel=2e-3, abs=1e-5)
    calibration = toy_dgp / '000000/calibration/c0.json'
    calibration.write_text(calibration.read_text().replace('"x": 0.0', '"x": 0.1'))
    with pytest.raises(ValueError, match='is stale: the poses of the cameras differ'):
        DATASETS.build(dict(from_cache.train_dataloader.dataset, test_mode=True))[0]


def test_lidar_that_a_teacher_read_is_part_of_what_it_was_shown(toy_dgp, tmp_path):
    teacher = dict(type='ToyLidarTeacher')
    live = config(toy_dgp, ALIGNED, teacher, dict(type='KeepTeacherViews', lidar=True))
    cache = write_cache(live, tmp_path)
    from_cache = cached(live, cache, teacher)
    for epoch in range(2):
        assert losses(from_cache, epoch=epoch)[0] == pytest.approx(losses(live, epoch=epoch)[0], rel=2e-3, abs=1e-5)
    sparser = copy.deepcopy(from_cache.train_dataloader.dataset)
    sparser.pipeline.insert(2, dict(type='SubsampleLidar', fraction=0.5))
    with pytest.raises(ValueError, match='is stale: the teacher read 4000 LiDAR points, now'):
        DATASETS.build(dict(sparser, test_mode=True))[0]
    with pytest.raises(
        ValueError, match=r'no teacher_lidar, which ToyLidarTeacher reads: KeepTeacherViews\(lidar=True\)'
    ):
        losses(config(toy_dgp, ALIGNED, teacher))
    without = config(toy_dgp, ALIGNED, teacher)
    del without.train_dataloader.dataset.pipeline[1]
    with pytest.raises(ValueError, match='reads LiDAR: put LoadSurroundLidar before KeepTeacherViews'):
        write_cache(without, tmp_path)
