"""The tools that measure loading and training, on toy data."""

import runpy
import sys
from pathlib import Path

import cv2
import pytest
from mmengine.config import Config

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'


@pytest.fixture
def run(toy_dgp, tmp_path, monkeypatch, capsys):
    names = ('LoadSurroundImages', 'LoadSurroundLidar', 'KeepTeacherViews', 'ProjectLidarDepth', 'PackSurroundInputs')
    dataset = dict(type='DDADDataset', data_root='', pipeline=[dict(type=name) for name in names])
    model = dict(
        type='DistilledDepthEstimator',
        backbone=dict(type='mmdet.ResNet', depth=18, base_channels=4),
        neck=dict(type='LightPyramidNeck', channels=8),
        head=dict(type='BinDepthHead', bins=dict(num_bins=4, min_depth=1.0, max_depth=40.0)),
        teacher=dict(type='HuggingFaceDepthTeacher', model='random-tiny'),
        distillers=[dict(type='ViewRelationalKD', grid=(3, 4))],
    )
    Config(dict(model=model, train_dataloader=dict(dataset=dataset))).dump(tmp_path / 'config.py')
    threads = cv2.getNumThreads()

    def call(tool, *options):
        arguments = [str(TOOLS / tool), str(tmp_path / 'config.py'), '--data-root', str(toy_dgp), *options]
        monkeypatch.setattr(sys, 'argv', arguments)
        runpy.run_path(arguments[0], run_name='__main__')
        return capsys.readouterr().out

    yield call
    cv2.setNumThreads(threads)


def test_loader(run):
    printed = run('benchmark_loader.py', '--frames', '2')
    assert 'index: 3 frames' in printed and '| ProjectLidarDepth |' in printed
    assert 'index: 12 frames' in run('benchmark_loader.py', '--index-frames', '10')


def test_step(run):
    printed = run('profile_step.py', '--steps', '1')
    assert '| ViewRelationalKD |' in printed and 'supervised step' in printed
