import sys

import pytest
import torch
from processes import load_tool
from toy_run import toy_config

from fsmde.structures import DepthTarget, TeacherOutput


@pytest.fixture
def tool():
    return load_tool('analysis_tools/alignment_error.py')


def test_errors_by_hand(tool):
    depth, truth = torch.tensor([[2.0, 3.0, 9.0]]), torch.tensor([[2.0, 2.0, 1.0]])
    assert tool.errors(depth, truth, truth > 1) == pytest.approx((0.25, 0.5))


def test_a_teacher_that_is_right_up_to_scale_and_shift_has_no_error_and_lidar_alone_has(tool):
    depth = 4 + 30 * torch.rand(1, 2, 32, 48, generator=torch.Generator().manual_seed(0))
    everywhere = torch.ones_like(depth, dtype=torch.bool)
    teacher = TeacherOutput(3 / depth + 1, 'disparity_affine_invariant', everywhere)
    keep = torch.zeros_like(everywhere)
    keep[..., ::4, ::4] = True
    found = tool.judge(teacher, DepthTarget(depth, everywhere, everywhere), depth, keep)
    for truth in ('withheld LiDAR', 'dense'):
        assert found['aligned in each view', truth][0] < 0.01 and found['corrected near LiDAR', truth][0] < 0.01
        assert found['LiDAR alone', truth][0] > 0.2


def test_tool(tool, toy_dgp, tmp_path, monkeypatch, capsys):
    toy_config(toy_dgp).dump(tmp_path / 'config.py')
    arguments = ['alignment_error.py', str(tmp_path / 'config.py'), '--frames', '1']
    monkeypatch.setattr(sys, 'argv', arguments)
    tool.main()
    rows = [line.split('|') for line in capsys.readouterr().out.splitlines() if line.startswith('|')]
    assert [row[1].strip() for row in rows[2:]] == ['aligned in each view', 'corrected near LiDAR', 'LiDAR alone']
    assert all(0 < float(row[2]) < 1 for row in rows[2:])
