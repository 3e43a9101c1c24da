import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from processes import load_tool

from fsmde.apis.pseudo_points import export_points, file_names
from fsmde.datasets import PseudoPointsFromDepth

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/export_points.py'
WITHOUT_WEIGHTS = 'model.backbone.init_cfg=None'


@pytest.fixture(scope='module')
def tool():
    return load_tool('export_points.py')


def test_prediction_becomes_files_a_stock_loader_reads(tool, sample_data, tmp_path, monkeypatch, capsys):
    config = ROOT / 'configs/fsmde_sup_nuscenes.py'
    cfg = Config.fromfile(config)
    cfg.model.backbone.init_cfg = None
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'student.pth')
    sizes = [
        f'test_dataloader.dataset.pipeline.{i}.size=(96,160)'
        for i, step in enumerate(cfg.test_pipeline)
        if 'size' in step
    ]
    command = [TOOL, config, tmp_path / 'student.pth', '--out', tmp_path / 'points']
    command += ['--data-root', sample_data / 'nuscenes_sample', '--max-depth', 40, '--color', '--voxel-size', 0.2]
    loader = ['test_dataloader.num_workers=0']
    command += ['--cfg-options', WITHOUT_WEIGHTS, *loader, *sizes]
    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    tool.main()

    lidar = next((sample_data / 'nuscenes_sample/samples/LIDAR_TOP').iterdir())
    points = np.fromfile(tmp_path / 'points' / lidar.name, dtype=np.float32).reshape(-1, 8)
    assert len(points) > 100 and f'{len(points)} points each' in capsys.readouterr().out
    assert (np.abs(points[:, :2]) <= 51.2).all() and (points[:, 2] >= -5).all() and (points[:, 2] < 3).all()
    assert (points[:, 3:] >= 0).all() and (points[:, 3:] <= 1).all() and (points[:, 4] == 0).all()
    # All around, not in front alone.
    assert len(np.unique(np.arctan2(points[:, 1], points[:, 0]) // (np.pi / 4))) == 8


def test_files_are_replaced_when_told_and_those_of_another_split_stay(tmp_path):
    model = SimpleNamespace(reads_poses=False, head=SimpleNamespace(bins=1))

    class Loader(list):
        dataset = Frames(('token1', 'LIDAR_TOP/1.bin'), ('token2', 'LIDAR_TOP/2.bin'))

    (tmp_path / '3.bin').touch()
    assert export_points(model, Loader(), tmp_path, PseudoPointsFromDepth()) == (0, 0)
    (tmp_path / '2.bin').touch()
    with pytest.raises(FileExistsError, match='1 of 2 files are there already, such as .*2.bin: name another folder'):
        export_points(model, Loader(), tmp_path, PseudoPointsFromDepth())
    assert export_points(model, Loader(), tmp_path, PseudoPointsFromDepth(), overwrite=True) == (0, 0)


def test_what_has_no_metres_or_no_confidence_gives_no_points(tmp_path):
    head = SimpleNamespace(bins=1)
    relative = SimpleNamespace(reads_poses=False, description=dict(space='depth_scale_invariant'), head=head)
    with pytest.raises(ValueError, match='its depth is relative'):
        export_points(relative, None, tmp_path, PseudoPointsFromDepth())
    plain = SimpleNamespace(reads_poses=False, head=SimpleNamespace())
    with pytest.raises(ValueError, match='min_confidence=0.5: SimpleNamespace has no bins and so no confidence'):
        export_points(plain, None, tmp_path, PseudoPointsFromDepth(min_confidence=0.5))


class Frames:
    """A data set of frames (frame_id, lidar_path)."""

    def __init__(self, *frames):
        self.infos = [dict(frame_id=frame_id, lidar_path=path) for frame_id, path in frames]

    def __len__(self):
        return len(self.infos)

    def get_data_info(self, index):
        return self.infos[index]


@pytest.mark.parametrize(
    ('frames', 'names'),
    [
        # nuScenes
        (
            [('token1', 'samples/LIDAR_TOP/n015+08__1.pcd.bin'), ('token2', 'samples/LIDAR_TOP/n015+08__2.pcd.bin')],
            ['n015+08__1.pcd.bin', 'n015+08__2.pcd.bin'],
        ),
        # DDAD
        ([('000000/0003', 'root/000000/point_cloud/LIDAR/15616.npz')], ['000000/0003.bin']),
        # Two scenes' 0.bin
        ([('a/0000', 'root/a/0.bin'), ('b/0000', 'root/b/0.bin')], ['a/0000.bin', 'b/0000.bin']),
        # A scene file at the data set's root, and scenes that lead elsewhere
        (
            [('/0000', 'root/0.npz'), ('../x/0000', 'root/../x/0.npz'), ('/etc/0000', '/etc/0.npz')],
            ['%/0000.bin', '.%2E/x/0000.bin', '%/etc/0000.bin'],
        ),
    ],
)
def test_names_follow_the_lidar_file_where_it_is_unique_and_the_frame_elsewhere(tmp_path, frames, names):
    found = file_names(Frames(*frames), str(tmp_path))
    assert found == {frame_id: str(tmp_path / name) for (frame_id, _), name in zip(frames, names)}


def test_the_lidar_itself_is_not_replaced(tmp_path):
    frames = Frames(('token1', f'{tmp_path}/n015__1.pcd.bin'), ('token2', f'{tmp_path}/n015__2.pcd.bin'))
    with pytest.raises(ValueError, match="holds the data set's LiDAR, which would be replaced: name another folder"):
        file_names(frames, f'{tmp_path}/x/..')
