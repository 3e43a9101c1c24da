import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from processes import load_tool

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/export_points.py'
SMALL = ['model.backbone.depth=18', 'model.backbone.base_channels=8', 'model.backbone.init_cfg=None']


@pytest.fixture(scope='module')
def tool():
    return load_tool('export_points.py')


def test_prediction_becomes_files_a_stock_loader_reads(tool, sample_data, tmp_path, monkeypatch, capsys):
    config = ROOT / 'configs/fsmde_sup_nuscenes.py'
    cfg = Config.fromfile(config)
    cfg.model.backbone.update(depth=18, base_channels=8, init_cfg=None)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'student.pth')
    sizes = [
        f'test_dataloader.dataset.pipeline.{i}.size=(96,160)'
        for i, step in enumerate(cfg.test_pipeline)
        if 'size' in step
    ]
    command = [TOOL, config, tmp_path / 'student.pth', '--out', tmp_path / 'points']
    command += ['--data-root', sample_data / 'nuscenes_sample', '--max-depth', 40, '--color', '--voxel-size', 0.2]
    loader = ['test_dataloader.num_workers=0']
    command += ['--cfg-options', *SMALL, *loader, *sizes]
    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    tool.main()

    lidar = next((sample_data / 'nuscenes_sample/samples/LIDAR_TOP').iterdir())
    points = np.fromfile(tmp_path / 'points' / lidar.name, dtype=np.float32).reshape(-1, 8)
    assert len(points) > 100 and f'{len(points)} points each' in capsys.readouterr().out
    assert (np.abs(points[:, :2]) <= 51.2).all() and (points[:, 2] >= -5).all() and (points[:, 2] < 3).all()
    assert (points[:, 3:] >= 0).all() and (points[:, 3:] <= 1).all() and (points[:, 4] == 0).all()
    # All around, not in front alone.
    assert len(np.unique(np.arctan2(points[:, 1], points[:, 0]) // (np.pi / 4))) == 8


def test_names_follow_the_lidar_file_of_nuscenes_and_the_frame_elsewhere(tool):
    class Sample:
        frame_id = '000000/0003'

        def __init__(self, lidar_path):
            self.lidar_path = lidar_path

    assert tool.file_name(Sample('samples/LIDAR_TOP/n015__1532.pcd.bin')) == 'n015__1532.pcd.bin'
    assert tool.file_name(Sample('point_cloud/LIDAR/15616.npz')) == '000000/0003.bin'
