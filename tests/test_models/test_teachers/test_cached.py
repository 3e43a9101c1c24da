"""Training from written answers: the same losses as with the live teacher, and no answers of anything else."""

import copy
import json
import shutil

import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from fsmde.engine.config_files import read_config
from fsmde.models import CachedTeacher, OracleTeacher
from fsmde.structures import SurroundDepthSample
from fsmde.teacher_cache import MetricCache, TeacherCache, write_answers
from fsmde.teacher_cache.metric_cache import checksum

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


def read_by_the_pipeline(cfg, cache):
    """The config with another cache in its pipeline than in its model."""
    cfg = copy.deepcopy(cfg)
    cfg.train_dataloader.dataset.pipeline[3].cache = str(cache)
    return cfg


@pytest.fixture
def two_spaces(toy_dgp, tmp_path):
    """A config, the relative answers of its teacher in `cache`, and a cache in `metres` that has scales for them."""
    live = config(toy_dgp, ALIGNED)
    relative, metres = TeacherCache(write_cache(live, tmp_path)), MetricCache(tmp_path / 'metres')
    about = relative.description()
    about.update(identity=dict(answers=about['identity'], scales=1), space='depth_metric', answers='../cache')
    metres.begin(about)
    for path in relative.root.rglob('*.npz'):
        with np.load(path) as content:
            metres.write_scale(
                str(content['frame_id']), np.ones(6), *np.full((2, 6), np.nan), checksum(content['depth']), poses=0
            )
    metres.finish()
    return live, relative.root, metres.root


def test_answers_in_metres_and_relative_ones_are_not_taken_for_each_other(two_spaces):
    live, relative, metres = two_spaces
    losses(cached(live, metres))
    for model, pipeline, spaces in (
        (metres, relative, 'space disparity_affine_invariant there, depth_metric here'),
        (relative, metres, 'space depth_metric there, disparity_affine_invariant here'),
    ):
        with pytest.raises(ValueError, match=f'reads the teacher cache {pipeline}, .* for {model}: {spaces}. Name'):
            losses(read_by_the_pipeline(cached(live, model), pipeline))


def test_a_pipeline_may_read_another_folder_of_the_same_teacher_and_none_of_another(two_spaces, tmp_path):
    """As those of two data sets in one training do."""
    live, relative, _ = two_spaces
    cfg = cached(live, relative)
    shutil.copytree(relative, tmp_path / 'elsewhere')
    assert losses(read_by_the_pipeline(cfg, tmp_path / 'elsewhere'))[0] == losses(cfg)[0]
    about = tmp_path / 'elsewhere/cache.json'
    about.write_text(
        json.dumps(dict(json.loads(about.read_text()), feature_channels=8, name='the same', licence='MIT'))
    )
    losses(read_by_the_pipeline(cfg, tmp_path / 'elsewhere'))  # There are features, and nobody here reads them.
    features = dict(json.loads(about.read_text()), feature_channels=8)
    (relative / 'cache.json').write_text(json.dumps(features))
    about.write_text(json.dumps(dict(features, feature_channels=None)))
    with pytest.raises(ValueError, match='feature_channels None there, 8 here'):
        losses(read_by_the_pipeline(cfg, tmp_path / 'elsewhere'))
    about.write_text(json.dumps(dict(features, identity=dict(features['identity'], weights='f' * 16))))
    with pytest.raises(ValueError, match='weights f{16} there, .* here. Name caches of one teacher and one space'):
        losses(read_by_the_pipeline(cfg, tmp_path / 'elsewhere'))


def answers(*views, **more):
    """A sample with answers of four pixels in each view."""
    sample = SurroundDepthSample(metainfo=more)
    sample.teacher_depth = torch.tensor(views).float().reshape(-1, 2, 2)
    return sample


def test_ground_truth_and_answers_on_disk_are_not_taken_for_each_other(two_spaces):
    _, relative, _ = two_spaces
    teacher = CachedTeacher(str(relative))
    mine, truth = answers([1.0] * 4, teacher_cache=str(relative)), answers([1.0] * 4)
    assert teacher.answer({}, [mine]).valid.all() and OracleTeacher().answer({}, [truth]).valid.all()
    with pytest.raises(ValueError, match='no answers for CachedTeacher: put LoadTeacherAnswers'):
        teacher.answer({}, [mine, truth])
    with pytest.raises(ValueError, match='no answers for OracleTeacher: put OracleTeacherAnswers'):
        OracleTeacher().answer({}, [truth, mine])


@pytest.mark.parametrize('valid, says', [(0, 'Only 0%'), (1, 'Only 25%'), (2, None)])
def test_answers_of_no_use_are_said_once(two_spaces, logged, valid, says):
    metres = str(two_spaces[2])
    teacher = CachedTeacher(metres)
    logged.clear()
    for _ in range(teacher.JUDGED_ANSWERS - 1):
        teacher.answer({}, [answers([5.0] * valid + [np.nan] * (4 - valid), teacher_cache=metres)])
    assert not logged
    for _ in range(2 * teacher.JUDGED_ANSWERS):
        teacher.answer({}, [answers([5.0] * valid + [np.nan] * (4 - valid), teacher_cache=metres)])
    assert len(logged) == (says is not None)
    assert not says or f'{says} of the first 20 answers of CachedTeacher (depth_metric) is finite and pos' in logged[0]
