import numpy as np
import pytest
import torch
from PIL import Image

from fsmde.structures import SurroundDepthSample
from fsmde.visualization import write_frame


def make_sample(frame_id='scene 1/000007', **data):
    cam2ego = np.eye(4)
    cam2ego[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    metainfo = dict(
        frame_id=frame_id,
        sample_idx=7,
        cam_names=['front'],
        neighbors=np.full((1, 2), -1),
        cam2img=np.array([[[20.0, 0, 16], [0, 20, 8], [0, 0, 1]]]),
        cam2ego=cam2ego[None],
    )
    return SurroundDepthSample(metainfo=metainfo, **data)


def make_depth(metres):
    return torch.full((1, 16, 32), metres)


def test_three_files_with_the_frame_in_their_names(tmp_path):
    sample = make_sample(
        pred_depth=make_depth(10.0), gt_depth=make_depth(9.0), valid_mask=torch.ones(1, 16, 32, dtype=torch.bool)
    )
    paths = write_frame(tmp_path / 'show', sample, torch.zeros(1, 3, 16, 32, dtype=torch.uint8))
    folder = tmp_path / 'show' / 'scene%201'
    assert paths == [folder / name for name in ('000007_panel.jpg', '000007_bev.jpg', '000007.ply')]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert Image.open(paths[1]).size == (1800, 900)
    assert b'element vertex 512\n' in paths[2].read_bytes()


def test_a_prediction_alone_is_drawn(tmp_path):
    paths = write_frame(tmp_path, make_sample(pred_depth=make_depth(10.0)), np.zeros((1, 3, 16, 32), np.uint8))
    assert all(path.stat().st_size > 0 for path in paths)


def test_the_end_of_the_range_is_not_in_the_cloud(tmp_path):
    sample = make_sample(pred_depth=make_depth(80.0))
    paths = write_frame(tmp_path, sample, np.zeros((1, 3, 16, 32), np.uint8))
    assert b'element vertex 0\n' in paths[2].read_bytes()


def test_a_sample_without_prediction_is_refused(tmp_path):
    with pytest.raises(ValueError, match='no pred_depth'):
        write_frame(tmp_path, make_sample(gt_depth=make_depth(9.0)), np.zeros((1, 3, 16, 32), np.uint8))
