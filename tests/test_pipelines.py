"""Pipelines are edited by what is in them, and the edited config is plain text again when it is written down."""

import re

import pytest
from mmengine.config import Config
from test_configs import ROOT

from fsmde.configs._base_.pipelines import insert_after, insert_before, replace
from fsmde.datasets import KeepTeacherViews, ProjectLidarDepth, ResizeViews

PIPELINE = [dict(type=ResizeViews, size=(2, 3)), dict(type='ProjectLidarDepth'), dict(type='PackSurroundInputs')]
KEEP = dict(type=KeepTeacherViews)


def test_steps_go_where_the_named_one_is():
    first, second, third = PIPELINE
    assert insert_after(PIPELINE, ResizeViews, KEEP) == [first, KEEP, second, third]
    assert insert_before(PIPELINE, ProjectLidarDepth, KEEP) == [first, KEEP, second, third]
    assert insert_before(PIPELINE, 'ResizeViews', KEEP, KEEP) == [KEEP, KEEP, first, second, third]
    assert replace(PIPELINE, ProjectLidarDepth, KEEP) == [first, KEEP, third]
    assert replace(PIPELINE, ProjectLidarDepth) == [first, third]
    assert PIPELINE == [first, second, third]


@pytest.mark.parametrize('pipeline, found', [(PIPELINE[1:], 0), (PIPELINE[:1] * 2, 2)])
def test_a_step_that_is_not_there_once_is_named(pipeline, found):
    with pytest.raises(ValueError, match=f'expected ResizeViews once in the pipeline, found {found} times'):
        insert_after(pipeline, ResizeViews, KEEP)


@pytest.mark.parametrize('name', ['fsmde_kd_ddad', 'benchmark/dense', 'benchmark/oracle_ckd'])
def test_an_edited_config_is_written_down_and_read_again(name, tmp_path):
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    cfg.dump(tmp_path / 'written.py')
    written = Config.fromfile(tmp_path / 'written.py')
    types = [str(step['type']).rsplit('.')[-1] for step in written.train_dataloader.dataset.pipeline]
    assert types == [step['type'].__name__ for step in cfg.train_dataloader.dataset.pipeline]
    assert not {'insert_after', 'insert_before', 'replace'} & set(written)


def test_neither_a_config_nor_a_page_edits_a_pipeline_by_place():
    by_place = re.compile(r'pipeline(\.(insert|pop)\(-?\d|\[-?\d)')
    for path in (*(ROOT / 'configs').rglob('*.py'), *(ROOT / 'docs').glob('*.md'), ROOT / 'README.md'):
        assert not by_place.search(path.read_text()), f'{path}: see configs/_base_/pipelines.py'
