"""Training from written answers: the same losses as with the live teacher, and no answers of anything else."""

import copy
import json

import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from fsmde.engine.launch import read_config
from fsmde.teacher_cache import write_answers

HEAD = [dict(type='LoadSurroundImages'), dict(type='LoadSurroundLidar'), dict(type='ResizeViews', size=(42, 56))]
TAIL = [
    dict(type='RandomZoomCrop', max_zoom=1.5),
    dict(type='RandomFlipViews', prob=0.5),
    dict(type='RandomPhotometric', strength=0.2, prob=0.5),
    dict(type='ProjectLidarDepth'),
    dict(type='PackSurroundInputs'),
]
DISTILLERS = [
    dict(type='CrossInteractionKD', channels=8),
    dict(type='ViewRelationalKD', relation='feature', grid=(3, 4)),
]
ALIGNED = [dict(type='CrossInteractionKD', probabilities='aligned'), dict(type='ViewRelationalKD', grid=(3, 4))]
OTHERS = [
    dict(type=name)
    for name in ('ScaleShiftInvariantKD', 'HintonBinKD', 'TieKD', 'DISTKD', 'FitNetKD', 'AttentionTransferKD',
                 'ChannelWiseKD', 'PearsonFeatureKD', 'RelationalKD', 'PairwiseAffinityKD', 'MaskedGenerativeKD')
]  # fmt: skip
TEACHER = dict(type='HuggingFaceDepthTeacher', model='random-tiny', feature_size=(12, 16))


def config(root, distillers=DISTILLERS, teacher=TEACHER, middle=None):
    dataset = dict(
        type='DDADDataset', data_root=str(root), pipeline=[*HEAD, middle or dict(type='KeepTeacherViews'), *TAIL]
    )
    model = dict(
        type='DistilledDepthEstimator',
        backbone=dict(type='mmdet.ResNet', depth=18, base_channels=8),
        neck=dict(type='LightPyramidNeck', channels=8),
        head=dict(type='BinDepthHead', bins=dict(num_bins=8, min_depth=1.0, max_depth=40.0), focal_reference=40.0),
        max_depth=40.0,
        teacher=teacher,
        distillers=distillers,
    )
    return Config(dict(default_scope='mmdet3d', model=model, train_dataloader=dict(dataset=dataset)))


def write_cache(cfg, tmp_path, **options):
    cfg.dump(tmp_path / 'config.py')
    write_answers(read_config(str(tmp_path / 'config.py')), tmp_path / 'cache', workers=0, **options)
    return tmp_path / 'cache'


def cached(cfg, cache, teacher=TEACHER):
    cfg = copy.deepcopy(cfg)
    cfg.model.teacher = dict(type='CachedTeacher', cache=str(cache), teacher=teacher)
    cfg.train_dataloader.dataset.pipeline[3] = dict(type='LoadTeacherAnswers', cache=str(cache))
    return cfg


def losses(cfg, state=None, epoch=0):
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    dataset.set_epoch(0, epoch)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.load_state_dict(state or model.state_dict())
    batch = pseudo_collate([dataset[0], dataset[1], dataset[2]])
    values = model(**model.data_preprocessor(batch, training=True), mode='loss')
    return {key: value.item() for key, value in values.items()}, batch


@pytest.mark.parametrize('distillers', [DISTILLERS, ALIGNED, OTHERS], ids=['features', 'depth', 'others'])
def test_losses_are_those_of_the_live_teacher(toy_dgp, tmp_path, distillers, capsys):
    live = config(toy_dgp, distillers)
    cache = write_cache(live, tmp_path)
    printed = capsys.readouterr().out
    assert 'MiB a frame' in printed and 'is complete: 3 of 3 frames' in printed
    with np.load(cache / '000000' / '0001.npz') as archive:
        assert archive['depth'].shape == (6, 42, 56) and archive['depth'].dtype == np.float16
        assert ('features' in archive) == (distillers is not ALIGNED)
    flips = set()
    for epoch in range(3):
        expected, batch = losses(live, epoch=epoch)
        found, without_images = losses(cached(live, cache), epoch=epoch)
        flips |= {tuple(sample.cam_order) for sample in batch['data_samples']}
        assert 'teacher_img' not in without_images['inputs']
        assert any(key.startswith('loss_kd_') for key in expected)
        assert found == pytest.approx(expected, rel=2e-3, abs=1e-5)
    assert len(flips) == 2  # both flipped and unflipped frames were compared, all of them cropped


def test_another_teacher_is_refused(toy_dgp, tmp_path):
    live = config(toy_dgp)
    cache = write_cache(live, tmp_path)
    other = dict(TEACHER, feature_size=None)
    with pytest.raises(ValueError, match=r'feature_size \[12, 16\] there, None here'):
        MODELS.build(cached(live, cache, other).model)
    with pytest.raises(ValueError, match='of another teacher'):
        write_cache(config(toy_dgp, teacher=other), tmp_path)
    description = json.loads((cache / 'cache.json').read_text())
    description['identity']['weights'] = 'f' * 16
    (cache / 'cache.json').write_text(json.dumps(description))
    with pytest.raises(ValueError, match='weights f{16} there'):
        MODELS.build(cached(live, cache).model)
    MODELS.build(cached(live, cache, teacher=None).model)
    with pytest.raises(FileNotFoundError, match='no teacher cache'):
        MODELS.build(cached(live, tmp_path).model)


def test_the_pipeline_must_bring_answers(toy_dgp, tmp_path):
    live = config(toy_dgp)
    cfg = cached(live, write_cache(live, tmp_path))
    cfg.train_dataloader.dataset.pipeline = live.train_dataloader.dataset.pipeline
    with pytest.raises(ValueError, match='LoadTeacherAnswers'):
        losses(cfg)
