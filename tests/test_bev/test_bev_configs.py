"""Every LiDAR-frame config of configs/bev trains and predicts on the real nuScenes frame, at toy size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from processes import load_tool

ROOT = Path(__file__).parents[2]
ANN_FILE = 'nuscenes_infos_val.pkl'


overfit = load_tool('analysis_tools/overfit_detector.py')


def toy(name):
    """A shipped config with few channels, coarse cells, small images and a random teacher."""
    cfg = Config.fromfile(ROOT / 'configs' / 'bev' / name)
    model = cfg.model
    if model.type == 'BEVDepthDetector':
        model.student.backbone.update(depth=18, base_channels=8, init_cfg=None)
        model.student.neck.channels = 16
        model.view_transform.out_channels = 16
        if 'teacher' in model.student:
            model.student.teacher.model = 'random-tiny'
    else:
        model.pts_voxel_encoder.feat_channels = [16]
        model.pts_middle_encoder.in_channels = 16
    model.pts_backbone.update(in_channels=16, out_channels=[16, 16, 16], layer_nums=[1, 1, 1])
    model.pts_neck.update(in_channels=[16, 16, 16], out_channels=[16, 16, 16])
    model.pts_bbox_head.update(in_channels=48, share_conv_channel=16)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for step in loader.dataset.get('dataset', loader.dataset).pipeline:
            if step.type == 'ResizeViews':
                step.size = (96, 160)
    overfit.set_grid(cfg, reach=64.0, pillar=1.0)
    model.test_cfg.pts.pre_max_size = 50  # Rotated boxes overlap slowly on a CPU.
    return cfg


def frame_of(dataset, sample_data, **kwargs):
    """The one frame of the sample, through the whole pipeline, random transforms included."""
    root = str(sample_data / 'nuscenes_sample')
    return DATASETS.build(dict(dataset, data_root=root, ann_file=ANN_FILE, **kwargs))[0]


def step(model, frame, lr=1e-3):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr)
    losses = model(**model.data_preprocessor(pseudo_collate([frame]), True), mode='loss')
    total, log = model.parse_losses(losses)
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    assert np.isfinite(total.item())
    return log


def check_detections(sample):
    found = sample.pred_instances_3d
    assert len(found.bboxes_3d) == len(found.scores_3d) == len(found.labels_3d)
    assert found.bboxes_3d.tensor.shape[1] == 9 and torch.isfinite(found.bboxes_3d.tensor).all()


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmdet3d')


@pytest.mark.ops
def test_centerpoint_on_exported_points(sample_data, tmp_path):
    # The files of tools/export_points.py: here the LiDAR's own points stand for them.
    cfg = toy('centerpoint_pillar02_pseudo-points_nus.py')
    lidar = next((sample_data / 'nuscenes_sample/samples/LIDAR_TOP').iterdir())
    (tmp_path / lidar.name).write_bytes(lidar.read_bytes())
    train = cfg.train_dataloader.dataset.dataset
    prefix = dict(train.data_prefix, pts=str(tmp_path))
    model = MODELS.build(cfg.model)
    frame = frame_of(train, sample_data, data_prefix=prefix)
    assert frame['inputs']['points'].shape[1] == 5
    log = [step(model, frame)['loss'].item() for _ in range(2)]
    assert log[1] < log[0]
    frame = frame_of(cfg.test_dataloader.dataset, sample_data, data_prefix=prefix)
    model.eval()
    check_detections(model(**model.data_preprocessor(pseudo_collate([frame])), mode='predict')[0])


@pytest.mark.ops
def test_centerpoint_on_lidar_depth(sample_data):
    cfg = toy('centerpoint_pillar02_lidar-depth_nus.py')
    model = MODELS.build(cfg.model)
    frame = frame_of(cfg.train_dataloader.dataset.dataset, sample_data)
    log = [step(model, frame)['loss'].item() for _ in range(2)]
    assert log[1] < log[0]
    model.eval()
    frame = frame_of(cfg.test_dataloader.dataset, sample_data)
    assert len(frame['inputs']['points']) > 5000
    check_detections(model(**model.data_preprocessor(pseudo_collate([frame])), mode='predict')[0])


@pytest.mark.ops
@pytest.mark.parametrize('name', ['bevdepth_r34_nus.py', 'bevdepth_r34_kd_nus.py'])
def test_bev_depth_detector(name, sample_data):
    cfg = toy(name)
    model = MODELS.build(cfg.model)
    frame = frame_of(cfg.train_dataloader.dataset.dataset, sample_data)
    sample = frame['data_samples']
    assert sample.gt_depth.shape == (6, 96, 160) and len(sample.gt_instances_3d.labels_3d) > 10
    log = step(model, frame)
    assert {'task0.loss_heatmap', 'loss_depth', 'loss_chamfer', 'bins_spread'} <= log.keys()
    assert any(key.startswith('loss_kd_') for key in log) == ('_kd_' in name)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    model.eval()
    frame = frame_of(cfg.test_dataloader.dataset, sample_data)
    sample = model(**model.data_preprocessor(pseudo_collate([frame])), mode='predict')[0]
    check_detections(sample)
    assert sample.pred_depth.shape == (6, 96, 160) and not hasattr(sample, 'gt_depth')


def test_boxes_alone_teach_a_trainable_student_and_leave_a_frozen_one(sample_data):
    cfg = toy('bevdepth_r34_nus.py')
    cfg.model.depth_loss_weight = 0.0
    frame = frame_of(cfg.train_dataloader.dataset.dataset, sample_data)
    model = MODELS.build(cfg.model)
    step(model, frame)
    assert model.student.backbone.conv1.weight.grad.abs().sum() > 0
    assert model.student.head.classifier.weight.grad.abs().sum() > 0

    model = MODELS.build(dict(cfg.model, freeze_student=True)).train()
    before = {key: value.clone() for key, value in model.student.state_dict().items()}
    log = step(model, frame)
    assert 'loss_depth' not in log and model.view_transform.context.conv.weight.grad.abs().sum() > 0
    # Running statistics of its normalisation among them.
    assert all(torch.equal(before[key], value) for key, value in model.student.state_dict().items())


def test_a_frozen_student_without_weights_is_said(monkeypatch):
    said = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', said.append)
    cfg = toy('bevdepth_r34_nus.py')
    MODELS.build(cfg.model).init_weights()
    assert not said
    model = MODELS.build(dict(cfg.model, freeze_student=True))
    model.init_weights()
    assert len(said) == 1 and 'Set model.student.init_cfg' in said[0]
    cfg.model.student.init_cfg = dict(type='Normal', layer='Conv2d')
    MODELS.build(dict(cfg.model, freeze_student=True)).init_weights()
    assert len(said) == 1


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(modality=dict(use_lidar=True, use_camera=False)), r"images of \['CAM_FRONT', .* have no folder"),
        (dict(modality=dict(use_lidar=False, use_camera=True)), 'the LiDAR was left out'),
        (
            dict(data_prefix=dict(CAM_FRONT='samples/CAM_FRONT')),
            r"images of \['CAM_FRONT_RIGHT', .* have no folder: .*data_prefix the folder of each camera",
        ),
    ],
)
def test_images_without_folders_name_the_setting(sample_data, change, message):
    dataset = toy('bevdepth_r34_nus.py').test_dataloader.dataset
    with pytest.raises(ValueError, match=message):
        frame_of(dict(dataset, **change), sample_data)


def test_a_student_that_reads_poses_is_given_them(sample_data):
    cfg = toy('bevdepth_r34_nus.py')
    cfg.model.student.update(type='AnyViewDepthEstimator')
    frame = frame_of(cfg.test_dataloader.dataset, sample_data)
    model = MODELS.build(cfg.model).eval()
    output, bev = model.extract_feat(*model.data_preprocessor(pseudo_collate([frame])).values())
    assert output.depth.shape == (1, 6, 96, 160) and len(bev) == 1


def test_lifted_points_go_through_the_augmentation_of_the_boxes(sample_data):
    from fsmde.models.bev.bev_depth_detector import lidar_augmentation

    cfg = toy('bevdepth_r34_nus.py')
    dataset = cfg.train_dataloader.dataset.dataset
    np.random.seed(3)
    augmented = frame_of(dataset, sample_data)['data_samples']
    dataset.pipeline = [s for s in dataset.pipeline if s.type not in (*overfit.RANDOM, 'ObjectRangeFilter')]
    plain = frame_of(dataset, sample_data)['data_samples']
    matrix = lidar_augmentation([augmented.metainfo])[0]
    assert not torch.allclose(matrix, torch.eye(4), atol=1e-2)
    torch.testing.assert_close(lidar_augmentation([plain.metainfo])[0], torch.eye(4))
    before = plain.gt_instances_3d.bboxes_3d.gravity_center
    moved = before @ matrix[:3, :3].T + matrix[:3, 3]
    after = augmented.gt_instances_3d.bboxes_3d.gravity_center
    assert len(after) > 10 and (after[:, None] - moved).norm(dim=-1).min(1).values.max() < 1e-3


def test_a_flip_that_leaves_the_boxes_is_refused(sample_data):
    cfg = toy('bevdepth_r34_nus.py')
    pipeline = cfg.train_dataloader.dataset.dataset.pipeline
    pipeline.insert(-1, dict(type='RandomFlipViews', prob=0.0))
    with pytest.raises(ValueError, match='the boxes would stay where they are. For detectors take .* RandomFlip3D'):
        frame_of(cfg.train_dataloader.dataset.dataset, sample_data)


@pytest.mark.parametrize('bounds', [(-32.0, 32.0, 2.0), (-60.0, 68.0, 4.0), (-64.0, 64.0, 2.0)])
def test_a_grid_that_is_not_the_heads_is_refused(sample_data, bounds):
    cfg = toy('bevdepth_r34_nus.py')
    cfg.model.view_transform.xbound = bounds
    frame = frame_of(cfg.test_dataloader.dataset, sample_data)
    model = MODELS.build(cfg.model).eval()
    with pytest.raises(
        ValueError, match='by pts_bbox_head.bbox_coder.pc_range, and view_transform.xbound and ybound lift'
    ):
        model.extract_feat(*model.data_preprocessor(pseudo_collate([frame])).values())


def test_a_student_without_bins_is_refused():
    cfg = toy('bevdepth_r34_nus.py')
    cfg.model.student.head = dict(type='RegressionDepthHead')
    with pytest.raises(ValueError, match='RegressionDepthHead'):
        MODELS.build(cfg.model)


def test_centres_are_matched_once_within_two_metres():
    assert overfit.match_centers([[0, 0], [10, 0]], [[1.9, 0], [1.0, 0], [12.1, 0]]) == 1
    assert overfit.match_centers([[0, 0], [1, 0]], [[0.5, 0]]) == 1
    assert overfit.match_centers([[0, 0]], np.zeros((0, 2))) == 0
