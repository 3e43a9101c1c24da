"""The benchmark's mini teacher, and what students may start from, at toy size: trained, asked and judged."""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from toy_models import shrink

from fsmde.models.teachers import EstimatorTeacher

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    'name', ['benchmark/teacher', 'benchmark/teacher_lite0', 'benchmark/pretrained', 'demo/mini_teacher']
)
def test_trained_on_the_teachers_world_and_judged_on_the_students(name, tmp_path):
    pytest.importorskip('embreex')
    from fsmde.synthetic import make_world

    init_default_scope('mmdet3d')
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    shrink(cfg.model)
    tiny = dict(train_scenes=1, val_scenes=0, test_scenes=1, frames_per_scene=1, size=(48, 80))
    frames, students = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    world = str(make_world(tmp_path / 'teacher', **{**cfg.world, **tiny}))
    for views in frames.datasets:
        assert cfg.world.preset == 'teacher' and views.data_root == cfg.data_root
        views.data_root = world
    students.data_root = str(make_world(tmp_path / 'student', **tiny))

    model, frames = MODELS.build(cfg.model), DATASETS.build(frames)
    views = [frames[number] for number in range(4)]
    assert [view['data_samples'].cam_names for view in views] == [[camera] for camera in cfg.cameras]
    losses = model(**model.data_preprocessor(pseudo_collate(views), training=True), mode='loss')
    losses['loss_depth'].backward()
    assert 0 < losses['loss_depth'] < 20

    students, metric = DATASETS.build(students), METRICS.build(cfg.test_evaluator)
    samples = model.eval()(**model.data_preprocessor(pseudo_collate([students[0]])), mode='predict')
    metric.dataset_meta = students.metainfo
    metric.process(None, [sample.to_dict() for sample in samples])
    assert {'depth/affine/abs_rel', 'depth/fsmde/affine/abs_rel'} < set(metric.evaluate(1))

    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'teacher.pth')
    teacher = EstimatorTeacher(cfg, str(tmp_path / 'teacher.pth'), 'disparity_affine_invariant', feature_size=(24, 40))
    answer = teacher(torch.zeros(1, 2, 3, 96, 160, dtype=torch.uint8), torch.eye(3).expand(1, 2, 3, 3))
    assert 0 < answer.depth.min() and answer.depth.isfinite().all()
    assert answer.features.shape == (2, cfg.model.neck.channels, 24, 40)


def test_the_any_view_teacher_is_trained_on_whole_rigs_and_asked_about_another(tmp_path):
    pytest.importorskip('embreex')
    from fsmde.synthetic import make_world

    init_default_scope('mmdet3d')
    cfg = Config.fromfile(ROOT / 'configs/benchmark/teacher_any_view.py')
    shrink(cfg.model)
    tiny = dict(train_scenes=2, val_scenes=0, test_scenes=0, frames_per_scene=1, size=(48, 80))
    cfg.train_dataloader.dataset.data_root = str(make_world(tmp_path / 'teacher', **{**cfg.world, **tiny}))
    model, frames = MODELS.build(cfg.model), DATASETS.build(cfg.train_dataloader.dataset)
    rigs = [frames[number] for number in range(2)]
    assert [rig['data_samples'].cam_names for rig in rigs] == [cfg.cameras] * cfg.train_dataloader.batch_size
    losses = model(**model.data_preprocessor(pseudo_collate(rigs), training=True), mode='loss')
    losses['loss_depth'].backward()
    assert 0 < losses['loss_depth'] < 20 and model.views.back.weight.grad.abs().sum() > 0
    # Views and steps are those of the single-view teacher, but for the attention its network is the same.
    single = Config.fromfile(ROOT / 'configs/benchmark/teacher_lite0.py')
    assert 2 * len(cfg.cameras) == single.train_dataloader.batch_size
    assert cfg.train_cfg == single.train_cfg and cfg.optim_wrapper == single.optim_wrapper
    for key in ('backbone', 'neck', 'data_preprocessor'):
        assert Config.fromfile(ROOT / 'configs/benchmark/teacher_any_view.py').model[key] == single.model[key]

    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'teacher.pth')
    teacher = EstimatorTeacher(cfg, str(tmp_path / 'teacher.pth'), 'depth_scale_invariant_multi_view')
    images, poses = torch.zeros(1, 6, 3, 96, 160, dtype=torch.uint8), torch.eye(4).expand(1, 6, 4, 4)
    intrinsics = torch.tensor([[80.0, 0, 80], [0, 80, 48], [0, 0, 1]]).expand(1, 6, 3, 3)
    assert teacher(images, intrinsics, cam2ego=poses).depth.isfinite().all()
