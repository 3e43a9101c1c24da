"""Every shipped config builds and takes a step at toy size on a CPU."""

from pathlib import Path

import pytest
from mmdet3d.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from fsmde.engine.launch import set_data_root

ROOT = Path(__file__).parent.parent
CONFIGS = sorted(path.name for path in (ROOT / 'configs').glob('*.py'))


def toy(name, data_root):
    """A shipped config on the real sample frames, with a small backbone, small images and a random teacher."""
    cfg = Config.fromfile(ROOT / 'configs' / name)
    set_data_root(cfg, str(data_root / ('ddad_sample' if 'ddad' in name else 'nuscenes_sample')))
    if 'nuscenes' in name:
        cfg.train_dataloader.dataset.ann_file = 'nuscenes_infos_val.pkl'
    cfg.model.backbone.init_cfg = None
    cfg.model.backbone.update(depth=18, base_channels=8)
    if 'teacher' in cfg.model:
        cfg.model.teacher.model = 'random-tiny'
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        for transform in loader.dataset.pipeline:
            if 'size' in transform:
                transform['size'] = (96, 160)
    return cfg


@pytest.mark.parametrize('name', CONFIGS)
def test_config_trains_and_evaluates(name, sample_data):
    init_default_scope('mmdet3d')
    cfg = toy(name, sample_data)
    model = MODELS.build(cfg.model)
    train = DATASETS.build(cfg.train_dataloader.dataset)
    data = model.data_preprocessor(pseudo_collate([train[0]]), training=True)
    losses = model(**data, mode='loss')
    distilled = {key for key in losses if key.startswith('loss_kd_')}
    assert bool(distilled) == ('_kd_' in name)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert 0 < total.item() < 20

    val = DATASETS.build(cfg.val_dataloader.dataset)
    model.eval()
    samples = model(**model.data_preprocessor(pseudo_collate([val[0]])), mode='predict')
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = val.metainfo
    metric.process(None, [sample.to_dict() for sample in samples])
    assert metric.evaluate(1)['depth/abs_rel'] > 0
    assert 'depth/abs_rel' == cfg.default_hooks.checkpoint.save_best


def test_kd_configs_are_their_supervised_twins_plus_distillation():
    for data in ('ddad', 'nuscenes'):
        kd, sup = (Config.fromfile(ROOT / 'configs' / f'fsmde_{kind}_{data}.py') for kind in ('kd', 'sup'))
        for key in ('backbone', 'neck', 'head', 'max_depth', 'data_preprocessor'):
            assert kd.model[key] == sup.model[key]
        added = [t['type'].__name__ for t in kd.train_dataloader.dataset.pipeline if t not in sup.train_dataloader.dataset.pipeline]
        assert added == ['KeepTeacherViews']
        assert kd.val_dataloader.dataset.pipeline == sup.val_dataloader.dataset.pipeline
        for key in ('optim_wrapper', 'param_scheduler', 'train_cfg'):
            assert kd[key] == sup[key]


def test_installed_configs_can_be_inherited(tmp_path):
    child = tmp_path / 'child.py'
    child.write_text(
        'from mmengine.config import read_base\n'
        'with read_base():\n'
        '    from fsmde.configs.fsmde_kd_ddad import *\n'
        'model.backbone.update(depth=50)\n'
        'model.distillers[1].update(loss_weight=0.5)\n'
    )
    cfg = Config.fromfile(child)
    assert cfg.model.backbone.depth == 50 and cfg.model.distillers[1].loss_weight == 0.5
