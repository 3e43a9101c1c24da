"""Configs that cannot be meant: each is refused when the model is built, or at the first batch."""

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from toy_run import DISTILLERS, PIPELINE, STUDENT, distilled

from fsmde.datasets import DDADDataset
from fsmde.engine.config_files import read_config
from fsmde.models import ViewRelationalKD


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


def with_head(**kwargs):
    return dict(STUDENT, head=dict(STUDENT['head'], **kwargs))


def with_distiller(kind, **kwargs):
    return distilled(distillers=[dict(type=kind, **kwargs)])


CKD, VRKD = 'CrossInteractionKD', 'ViewRelationalKD'


@pytest.mark.parametrize(
    'model, error, message',
    [
        (dict(STUDENT, type='DepthNet'), KeyError, 'DepthNet is not in the mmdet3d::model registry'),
        (dict(STUDENT, backbone=dict(type='mmdet.ResNot')), KeyError, 'mmdet.ResNot is not in'),
        (dict(STUDENT, hed={}), TypeError, "unexpected keyword argument 'hed'"),
        (with_head(bins=dict(num_bins=1)), ValueError, 'num_bins must be at least 2, found 1'),
        (with_head(bins=dict(min_depth=80.0, max_depth=1.0)), ValueError, 'found 80.0 and 1.0'),
        (with_head(chamfer_weight=-1.0), ValueError, 'chamfer_weight must be >= 0'),
        (with_head(loss_depth=dict(type='SILogLoss', loss_weight=-1.0)), ValueError, 'loss_weight must be >= 0'),
        (with_head(focal_reference=-350.0), ValueError, 'focal_reference must be positive'),
        (with_distiller(CKD, loss_weight=-1.0), ValueError, 'CrossInteractionKD: loss_weight must be >= 0'),
        (with_distiller(CKD, prob_weight=-1.0), ValueError, 'weights must be >= 0.*prob_weight=-1.0'),
        (with_distiller(CKD, tau=0.0), ValueError, 'tau > 0'),
        (with_distiller('ChannelWiseKD', temperature=0.0), ValueError, 'temperature must be positive, found 0.0'),
        (with_distiller(VRKD, grid=(0, 4)), ValueError, r'two positive numbers of tokens .* found \(0, 4\)'),
        (with_distiller(VRKD, relation='angle'), ValueError, "relation must be one of .* found 'angle'"),
        (
            dict(distilled(), head=dict(type='RegressionDepthHead')),
            ValueError,
            'it needs a student with a BinDepthHead',
        ),
        (distilled(distillers=[ViewRelationalKD()]), TypeError, 'cfg should be a dict.*ViewRelationalKD'),
    ],
)
def test_models_that_cannot_be_built(model, error, message):
    with pytest.raises(error, match=message):
        MODELS.build(model)


def losses(config, root, pipeline):
    frames = DDADDataset(data_root=str(root), pipeline=pipeline)
    model = MODELS.build(config).train()
    return model(**model.data_preprocessor(pseudo_collate([frames[0]])), mode='loss')


def test_a_distiller_that_is_listed_twice(toy_dgp):
    with pytest.raises(ValueError, match="ViewRelationalKD: its losses .'loss_kd_view'. .* listed twice"):
        losses(distilled(distillers=[*DISTILLERS, DISTILLERS[1]]), toy_dgp, PIPELINE)


def test_distillation_without_views_for_the_teacher(toy_dgp):
    pipeline = [step for step in PIPELINE if 'KeepTeacherViews' not in step['type']]
    with pytest.raises(ValueError, match='KeepTeacherViews'):
        losses(distilled(), toy_dgp, pipeline)
    assert torch.isfinite(losses(STUDENT, toy_dgp, pipeline)['loss_depth'])


def test_an_instance_in_a_pure_python_config(tmp_path):
    (tmp_path / 'base.py').write_text('max_depth = 80.0\n')
    (tmp_path / 'config.py').write_text(
        'from mmengine.config import read_base\n'
        'from fsmde.models import ViewRelationalKD\n'
        'with read_base():\n'
        '    from .base import *\n'
        'distillers = [ViewRelationalKD(loss_weight=1.0)]\n'
    )
    with pytest.raises(ValueError, match=r'config.py .*write dict\(type=Class, ...\) instead of Class\(...\)'):
        read_config(tmp_path / 'config.py')


BASE = 'from mmengine.config import read_base\n\nwith read_base():\n    '


@pytest.mark.parametrize(
    'text, message',
    [
        ("_base_ = './nowhere.py'", '.*nowhere.py'),
        ("_base_ = './other.toml'", 'Only py/yml/yaml/json'),
        (f'{BASE}from .nowhere import *', '.*nowhere.py not found'),
        (f'{BASE}from no_such_package.configs.base import *', '.*no_such_package'),
    ],
)
def test_what_mmengine_cannot_read_is_said_with_the_config(tmp_path, text, message):
    (tmp_path / 'config.py').write_text(text)
    (tmp_path / 'other.toml').write_text('a = 1')
    with pytest.raises(ValueError, match=f'^{tmp_path}/config.py: {message}'):
        read_config(str(tmp_path / 'config.py'))
    with pytest.raises(ValueError, match=f'^{tmp_path}/other.toml: Only py/yml/yaml/json'):
        read_config(str(tmp_path / 'other.toml'))


@pytest.mark.parametrize('text', ['a = 1\nb c = 2', "_base_ = './broken.py'", f'{BASE}from .broken import *'])
def test_a_config_that_is_no_python_is_said_with_the_line(tmp_path, text):
    (tmp_path / 'config.py').write_text(text)
    (tmp_path / 'broken.py').write_text('a = 1\nb c = 2')
    with pytest.raises(ValueError, match='config.py, or a config that it reads, is no Python: .*line 2.*: b c = 2'):
        read_config(str(tmp_path / 'config.py'))


def test_a_dict_that_holds_itself_is_named(tmp_path):
    """mmengine says that its recursion is too deep, and nothing of the file."""
    base = f'{BASE}from fsmde.configs.fsmde_sup_ddad import *\n'
    wrapper = "dict(type='RepeatDataset', times=2, dataset=train_dataloader.dataset)"
    (tmp_path / 'config.py').write_text(f'{base}train_dataloader.update(dataset={wrapper})\n')
    with pytest.raises(ValueError, match='config.py: a dict in it holds itself, .* assign the new dict instead'):
        read_config(str(tmp_path / 'config.py'))
    (tmp_path / 'config.py').write_text(f'{base}train_dataloader.dataset = {wrapper}\n')
    assert read_config(str(tmp_path / 'config.py')).train_dataloader.dataset.dataset.type.__name__ == 'DDADDataset'


def test_a_function_that_is_left_in_a_config_is_named(tmp_path):
    """mmengine trains nothing from such a config either: the file that it writes of it is no Python."""
    left = f'{BASE}from fsmde.configs._base_.pipelines import replace\nmodel = dict()\n'
    (tmp_path / 'config.py').write_text(left)
    with pytest.raises(ValueError, match='functions are no settings: end it with `del replace`'):
        read_config(str(tmp_path / 'config.py'))
    (tmp_path / 'config.py').write_text(f'{left}del replace\n')
    assert 'replace' not in read_config(str(tmp_path / 'config.py'))
    used = (
        'from mmengine.dataset import pseudo_collate\ntrain_dataloader = dict(collate_fn=dict(type=pseudo_collate))\n'
    )
    (tmp_path / 'config.py').write_text(f'{used}{left}del replace\n')
    read_config(str(tmp_path / 'config.py'))


@pytest.mark.parametrize(
    'text', ["a = open('/absent')", "custom_imports = dict(imports=['plug_in_of_mine_that_opens'])"]
)
def test_what_the_code_of_a_config_raises_comes_as_it_is(tmp_path, text, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'config.py').write_text(text)
    (tmp_path / 'plug_in_of_mine_that_opens.py').write_text("open('/absent')")
    with pytest.raises(FileNotFoundError, match="'/absent'"):
        read_config(str(tmp_path / 'config.py'))
