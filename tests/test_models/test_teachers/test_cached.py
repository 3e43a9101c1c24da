"""Training from written answers: the same losses as with the live teacher, and no answers of anything else."""

import copy
import json
import runpy
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from fsmde.array_files import read_npz
from fsmde.concurrency import only_one
from fsmde.teacher_cache import TeacherCache

TOOL = Path(__file__).parents[3] / 'tools' / 'cache_teacher.py'
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


def run_tool(cfg, tmp_path, monkeypatch, *options, **environ):
    path = tmp_path / 'config.py'
    cfg.dump(path)
    monkeypatch.setattr(
        sys, 'argv', [str(TOOL), str(path), '--out', str(tmp_path / 'cache'), '--workers', '0', *options]
    )
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    runpy.run_path(str(TOOL), run_name='__main__')
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
def test_losses_are_those_of_the_live_teacher(toy_dgp, tmp_path, monkeypatch, distillers, capsys):
    live = config(toy_dgp, distillers)
    cache = run_tool(live, tmp_path, monkeypatch)
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


def test_resumes_and_shares_the_work(toy_dgp, tmp_path, monkeypatch, capsys):
    live = config(toy_dgp)
    cache = run_tool(live, tmp_path, monkeypatch, RANK='1', WORLD_SIZE='2')
    assert [path.stem for path in sorted(cache.rglob('*.npz'))] == ['0001']
    assert '2 frames are to come' in capsys.readouterr().out
    with pytest.raises(ValueError, match='not finished'):
        MODELS.build(cached(live, cache).model)
    before = (cache / '000000' / '0001.npz').stat().st_mtime_ns
    (cache / '000000' / '0002.npz.x.tmp').write_bytes(b'killed')
    run_tool(live, tmp_path, monkeypatch, RANK='0', WORLD_SIZE='1')
    assert (cache / '000000' / '0001.npz').stat().st_mtime_ns == before
    assert 'for 2 frames' in capsys.readouterr().out and not list(cache.rglob('*.tmp'))
    MODELS.build(cached(live, cache).model)


def test_a_frame_that_cannot_be_read_is_named(toy_dgp, tmp_path, monkeypatch, capsys):
    (toy_dgp / '000000' / 'rgb' / 'CAMERA_01' / '1.png').write_bytes(b'')
    cache = run_tool(config(toy_dgp), tmp_path, monkeypatch)
    assert 'frame 000000/0001 cannot be read' in capsys.readouterr().out
    with pytest.raises(ValueError, match='not finished'):
        TeacherCache(cache).description()
    run_tool(config(toy_dgp), tmp_path, monkeypatch, '--allow-missing', '1')
    assert TeacherCache(cache).description()['feature_channels'] == 16


@pytest.mark.parametrize('first, second', [('0', '1'), ('1', '0')])
def test_no_rank_declares_the_cache_complete_while_another_has_frames(
    toy_dgp, tmp_path, monkeypatch, capsys, first, second
):
    """Frame 1 is rank 1's and cannot be read; the allowance would cover all that is absent."""
    (toy_dgp / '000000' / 'rgb' / 'CAMERA_01' / '1.png').write_bytes(b'')
    options = '--allow-missing', '3'
    cache = run_tool(config(toy_dgp), tmp_path, monkeypatch, *options, RANK=first, WORLD_SIZE='2')
    assert 'frames are to come' in capsys.readouterr().out and (cache / 'UNFINISHED').exists()
    run_tool(config(toy_dgp), tmp_path, monkeypatch, *options, RANK=second, WORLD_SIZE='2')
    assert 'is complete: 2 of 3 frames' in capsys.readouterr().out
    assert not [path for path in cache.rglob('*') if path.suffix in ('.tmp', '.unreadable')]


def test_a_rank_that_works_is_waited_for_and_has_no_double(toy_dgp, tmp_path, monkeypatch, capsys):
    cache = TeacherCache(tmp_path / 'cache')
    with cache.writer(1):
        run_tool(config(toy_dgp), tmp_path, monkeypatch)
        assert 'rank 0 is done; other ranks are at work' in capsys.readouterr().out
        assert (cache.root / 'UNFINISHED').exists()
        monkeypatch.setattr('fsmde.teacher_cache.only_one', partial(only_one, patience=0))
        with pytest.raises(SystemExit, match='another cache_teacher.py of rank 1 is at work in'):
            run_tool(config(toy_dgp), tmp_path, monkeypatch, RANK='1')
    run_tool(config(toy_dgp), tmp_path, monkeypatch)
    assert 'is complete: 3 of 3 frames' in capsys.readouterr().out


def test_another_teacher_is_refused(toy_dgp, tmp_path, monkeypatch):
    live = config(toy_dgp)
    cache = run_tool(live, tmp_path, monkeypatch)
    other = dict(TEACHER, feature_size=None)
    with pytest.raises(ValueError, match=r'feature_size \[12, 16\] there, None here'):
        MODELS.build(cached(live, cache, other).model)
    with pytest.raises(ValueError, match='of another teacher'):
        run_tool(config(toy_dgp, teacher=other), tmp_path, monkeypatch)
    description = json.loads((cache / 'cache.json').read_text())
    description['identity']['weights'] = 'f' * 16
    (cache / 'cache.json').write_text(json.dumps(description))
    with pytest.raises(ValueError, match='weights f{16} there'):
        MODELS.build(cached(live, cache).model)
    MODELS.build(cached(live, cache, teacher=None).model)
    with pytest.raises(FileNotFoundError, match='no teacher cache'):
        MODELS.build(cached(live, tmp_path).model)


@pytest.fixture
def one_answer(tmp_path):
    views = [np.full((20, 32, 3), 50 * n, np.uint8) for n in range(2)]
    cam2img = np.tile(np.diag([30.0, 30, 1]), (2, 1, 1))
    depth = np.array([[[1.0, np.nan]], [[3.0, 4.0]]], np.float32)
    cache = TeacherCache(tmp_path)
    cache.write('scene/7', views, cam2img, depth)
    return cache, views, cam2img, depth


def test_round_trip(one_answer):
    cache, views, cam2img, depth = one_answer
    found, features = cache.read('scene/7', views, cam2img)
    np.testing.assert_array_equal(found, depth.astype(np.float16))
    assert features is None


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda views, cam2img: ([v[:, :16] for v in views], cam2img), r'shown \[\[20, 32\], \[20, 32\]\] pixels'),
        (lambda views, cam2img: (views[::-1], cam2img), 'the images differ'),
        (lambda views, cam2img: (views, cam2img * 1.1), 'the intrinsics differ'),
    ],
)
def test_what_the_teacher_did_not_see_is_stale(one_answer, change, message):
    cache, views, cam2img, _ = one_answer
    with pytest.raises(ValueError, match=message):
        cache.read('scene/7', *change(views, cam2img))


def test_broken_and_absent_files_are_named(one_answer):
    cache, views, cam2img, _ = one_answer
    with pytest.raises(FileNotFoundError, match='scene/8 is not in the teacher cache'):
        cache.read('scene/8', views, cam2img)
    cache.path('scene/7').rename(cache.path('scene/8'))
    with pytest.raises(ValueError, match='it is of frame scene/7'):
        cache.read('scene/8', views, cam2img)
    content = cache.path('scene/8').read_bytes()
    cache.path('scene/8').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match='cannot be read as .npz.*remove it and run'):
        cache.read('scene/8', views, cam2img)
    with pytest.raises(ValueError, match='float16 ends at 65504'):
        cache.write('scene/9', views, cam2img, np.full((2, 1, 1), 1e5, np.float32))


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(depth=None), r"expected depth of shape \(2, '\*', '\*'\), found none"),
        (dict(depth=np.ones((3, 1, 2), np.float16)), r'expected depth .*found float16 \(3, 1, 2\)'),
        (dict(depth=np.ones((2, 1, 2), np.uint8)), r'expected depth .*found uint8'),
        (dict(features=np.ones((2, 1, 2), np.float16)), r'expected features .*found float16 \(2, 1, 2\)'),
        (dict(thumbnails=np.zeros((2, 16, 10, 3), np.uint8)), r'expected thumbnails of shape \(2, 10, 16, 3\)'),
        (dict(cam2img=np.eye(3)), r'expected cam2img of shape \(2, 3, 3\), found float64 \(3, 3\)'),
    ],
)
def test_answers_of_another_layout_are_named(one_answer, change, message):
    cache, views, cam2img, _ = one_answer
    path = cache.path('scene/7')
    content = {**read_npz(path), **change}
    np.savez(path, **{name: array for name, array in content.items() if array is not None})
    with pytest.raises(ValueError, match=f'7.npz: {message}.*remove it and run'):
        cache.read('scene/7', views, cam2img)


def test_the_pipeline_must_bring_answers(toy_dgp, tmp_path, monkeypatch):
    live = config(toy_dgp)
    cfg = cached(live, run_tool(live, tmp_path, monkeypatch))
    cfg.train_dataloader.dataset.pipeline = live.train_dataloader.dataset.pipeline
    with pytest.raises(ValueError, match='LoadTeacherAnswers'):
        losses(cfg)
