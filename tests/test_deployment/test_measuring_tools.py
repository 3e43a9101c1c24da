"""The tools that measure loading and training, on toy data."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from mmengine.config import Config
from processes import PATIENCE

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'


@pytest.fixture
def run(toy_dgp, tmp_path, monkeypatch, capsys):
    names = ('LoadSurroundImages', 'LoadSurroundLidar', 'KeepTeacherViews', 'ProjectLidarDepth', 'PackSurroundInputs')
    pipeline = [dict(type=name) for name in names]
    pipeline.insert(2, dict(type='ResizeViews', size=(48, 64)))
    dataset = dict(type='DDADDataset', data_root='', pipeline=pipeline)
    model = dict(
        type='DistilledDepthEstimator',
        backbone=dict(type='mmdet.ResNet', depth=18, base_channels=4),
        neck=dict(type='LightPyramidNeck', channels=8),
        head=dict(type='BinDepthHead', bins=dict(num_bins=4, min_depth=1.0, max_depth=40.0)),
        teacher=dict(type='HuggingFaceDepthTeacher', model='random-tiny'),
        distillers=[dict(type='ViewRelationalKD', grid=(3, 4)), dict(type='ScaleShiftInvariantKD')],
    )
    loader = dict(dataset=dataset, batch_size=1, num_workers=1, sampler=dict(type='DefaultSampler', shuffle=True))
    optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3))
    cfg = dict(default_scope='mmdet3d', model=model, train_dataloader=loader, optim_wrapper=optim_wrapper)
    Config(cfg).dump(tmp_path / 'config.py')
    threads = cv2.getNumThreads()

    def call(tool, *options):
        arguments = [str(TOOLS / tool), str(tmp_path / 'config.py'), '--data-root', str(toy_dgp), *options]
        monkeypatch.setattr(sys, 'argv', arguments)
        runpy.run_path(arguments[0], run_name='__main__')
        return capsys.readouterr().out

    call.config, call.data = tmp_path / 'config.py', toy_dgp
    yield call
    cv2.setNumThreads(threads)


def test_loader(run):
    printed = run('benchmark_loader.py', '--frames', '2')
    assert '| ProjectLidarDepth |' in printed and 'frames a second' in printed


def test_index_of_any_size(run):
    rows = run('benchmark_loader.py', '--index-frames', '10').splitlines()[2:]
    assert [row.split()[1] for row in rows] == ['10']


def test_loader_beside_stock_transforms(run, tmp_path):
    (tmp_path / 'stock.py').write_text(
        'from mmengine.config import read_base\n'
        'with read_base():\n'
        '    from fsmde.configs.benchmark_loader.stock_pipeline import *\n'
        'train_pipeline[3].transforms[0].update(scale=(64, 48))\n'
        'train_dataloader.dataset.update(pipeline=train_pipeline)\n'
    )
    printed = run('benchmark_loader.py', '--frames', '1', '--baseline', str(tmp_path / 'stock.py'))
    assert '| PNG | stock |' in printed and '| JPEG | this one, reduce_to |' in printed
    assert '| PNG | this one, rectified |' in printed and '| JPEG | this one, reduce_to, rectified |' in printed
    # Images of the output's size are not resized: both pipelines must make exactly the same.
    assert 'outputs: 0 of' in printed and ', 0 differ by more than 0.1 %; images by 0.00 grey' in printed


def test_step(run, tmp_path):
    printed = run('profile_step.py', '--steps', '1', '--out', str(tmp_path / 'step.json'))
    assert '| ViewRelationalKD |' in printed and 'supervised step' in printed
    figures = json.loads((tmp_path / 'step.json').read_text())
    assert 'ViewRelationalKD' in figures['median_ms'] and figures['gradient_shares']['ScaleShiftInvariantKD'] > 0
    assert 'supervised step' in run('profile_step.py', '--steps', '1', '--amp')


def test_step_with_its_loader(run, tmp_path):
    printed = run('profile_step.py', '--steps', '1', '--loader', '--out', str(tmp_path / 'step.json'))
    rates = json.loads((tmp_path / 'step.json').read_text())['images_per_second']
    kinds = 'supervised', 'distilled'
    rows = 'step alone', 'one after the other', 'loader beside the step'
    named = {f'{kind}{" " if row == rows[0] else ", "}{row}' for kind in kinds for row in rows}
    assert set(rates) == {'loader alone', *named}
    for kind in kinds:
        parts = 1 / rates['loader alone'] + 1 / rates[f'{kind} step alone']
        assert rates[f'{kind}, one after the other'] == pytest.approx(1 / parts)
        assert rates[f'{kind}, loader beside the step'] > 0
    assert '| 1 workers, 1 frames a step | images/s |' in printed


def test_scaling(run):
    options = ['--ranks', '1', '2', '--index-frames', '10', '--warmup', '0', '--steps', '2', '--size', '24', '32']
    # A process of its own: the ranks start from the script that they are in.
    command = [sys.executable, TOOLS / 'benchmark_scaling.py', run.config, '--data-root', run.data, *options]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
    rows = [line.split()[1:4] for line in printed.splitlines() if line.startswith('|')]
    assert rows[2:] == [['1', '|', '10'], ['2', '|', '10']]
