"""Every arm of the distillation benchmark builds and takes a step at toy size."""

import numpy as np
import pytest
from mmdet3d.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from test_configs import ROOT, train_step

from fsmde.engine.config_files import set_data_root
from fsmde.rig import CameraRig
from fsmde.synthetic.rigs import ddad_rig, van_rig
from fsmde.teacher_cache import TeacherCache
from fsmde.teacher_cache.shown_frames import build_datasets

NO_ARMS = (
    'teacher',
    'teacher_lite0',
    'teacher_any_view',
    'teacher_candidates',
    'home_teacher',
    'mini_teacher',
    'live_teacher',
    'pretrained',
)
ARMS = sorted(path.stem for path in (ROOT / 'configs/benchmark').glob('*.py') if path.stem not in NO_ARMS)


def read(name):
    cfg = Config.fromfile(ROOT / f'configs/benchmark/{name}.py')
    cfg.model.backbone.base_channels = 8
    return cfg


def answer_for(cfg, folder):
    """Fill a cache for a config's training frames: the world gets nearer from the top of an image to its foot."""
    dataset = cfg.train_dataloader.dataset
    # Of all frames, if there are sources of few.
    dataset = dataset.get('datasets', [dataset])[-1]
    pipeline = dataset.pipeline
    names = [transform['type'].__name__ for transform in pipeline]
    place = names.index('LoadTeacherAnswers')
    for frames in cfg.train_dataloader.dataset.get('datasets', [dataset]):
        frames.pipeline[place].cache = str(folder)
    cfg.model.teacher.cache = str(folder)
    cache = TeacherCache(folder)
    cache.begin(dict(identity=dict(teacher='toy'), space='disparity_affine_invariant', feature_channels=8))
    generator = np.random.default_rng(0)
    frames = DATASETS.build(dict(dataset, pipeline=pipeline[:place]))
    for frame in (frames[i] for i in range(len(frames))):
        shape = len(frame['img']), *frame['img'][0].shape[:2]
        depth = np.broadcast_to(np.linspace(0.01, 0.5, shape[1])[:, None], shape)
        features = generator.normal(size=(shape[0], 8, 12, 20))
        cache.write(frame['frame_id'], frame['img'], frame['cam2img'], depth, features)
    cache.finish()


@pytest.mark.parametrize('name', ARMS)
def test_arms_of_the_benchmark_train(name, tiny_world, tmp_path):
    init_default_scope('mmdet3d')
    cfg = read(name)
    set_data_root(cfg, str(tiny_world))
    if 'cache' in cfg.model.get('teacher', {}):
        answer_for(cfg, tmp_path / 'answers')
    model, losses = train_step(cfg)
    assert any(key.startswith('loss_kd_') for key in losses) == ('teacher' in cfg.model)
    # Every arm is the same student, on the same frames, in as many steps, but for what its name says.
    sup = read('sup')
    for key in ('backbone', 'neck', 'head'):
        assert cfg.model[key] == sup.model[key]
    assert (cfg.train_cfg == sup.train_cfg) == (name != 'sup_2x') and cfg.optim_wrapper == sup.optim_wrapper


@pytest.mark.parametrize(
    'name',
    [f'benchmark/imagenet/{arm}' for arm in ('sup', 'sup_2x', 'dense', 'oracle', 'few_labels', 'home')]
    + ['demo/student'],
)
def test_students_from_imagenet_train(name, tiny_world, tmp_path):
    init_default_scope('mmdet3d')
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    set_data_root(cfg, str(tiny_world))
    if 'cache' in cfg.model.get('teacher', {}):
        answer_for(cfg, tmp_path / 'answers')
    model, losses = train_step(cfg)
    assert any(key.startswith('loss_kd_') for key in losses) == ('teacher' in cfg.model)
    sup = Config.fromfile(ROOT / 'configs/benchmark/imagenet/sup.py')
    assert cfg.model.backbone == sup.model.backbone and cfg.model.neck == sup.model.neck


@pytest.mark.parametrize('name', ['live_teacher', 'ckd_vrkd', 'few_labels'])
def test_the_teacher_is_shown_what_the_arms_read(name, tiny_world):
    init_default_scope('mmdet3d')
    cfg = read(name)
    set_data_root(cfg, str(tiny_world))
    frames = build_datasets(cfg.train_dataloader.dataset)[0]
    assert [view.shape for view in frames[0]['img']] == [(96, 160, 3)] * 6


def test_home_and_elsewhere_make_one_batch():
    """Cameras of one number have the same neighbours in both rigs, and are mirrored alike, or no batch can hold both."""
    cfg = Config.fromfile(ROOT / 'configs/benchmark/imagenet/elsewhere.py')
    rigs = []
    for make, names in ((ddad_rig, cfg.home_cameras), (van_rig, cfg.elsewhere_cameras)):
        cameras = {camera.name: camera for camera in make(np.random.default_rng(0), (192, 320)).cameras}
        of_each = [np.stack([getattr(cameras[name], key) for name in names]) for key in ('cam2img', 'cam2ego')]
        rigs.append(CameraRig(tuple(names), *of_each))
    assert np.array_equal(rigs[0].neighbors, rigs[1].neighbors)
    assert np.array_equal(rigs[0].mirrored_order(), rigs[1].mirrored_order())
    suite = Config.fromfile(ROOT / 'configs/benchmark/suites/elsewhere.py')
    options = {arm.name: arm.cfg_options for arm in suite.arms}
    assert options['sup_home']['train_dataloader.dataset.cameras'] == cfg.home_cameras
