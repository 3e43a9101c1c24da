import sys

import pytest
import torch
from mmengine.config import ConfigDict
from processes import load_tool
from toy_run import toy_config

from fsmde.structures import DepthTarget, TeacherOutput
from toy_dgp import AZIMUTHS


@pytest.fixture
def tool():
    return load_tool('analysis_tools/alignment_error.py')


def test_errors_by_hand(tool):
    depth, truth = torch.tensor([[2.0, 3.0, 9.0]]), torch.tensor([[2.0, 2.0, 1.0]])
    assert tool.errors(depth, truth, truth > 1) == pytest.approx((0.25, 0.5, 2))


def test_figures_come_with_their_coverage(tool):
    """Of four views with ground truth one is rejected, one half judged; a fifth has no ground truth."""
    nan = float('nan')
    views = [(0.1, 0.9, 100, 100), (0.3, 0.7, 50, 100), (0.2, 0.8, 100, 100), (nan, nan, 0, 100), (nan, nan, 0, 0)]
    assert tool.summary(views) == ['0.200', '0.800', '3 of 4', '62.5']
    assert tool.summary(views[3:]) == ['-', '-', '0 of 1', '0.0']


def test_a_view_whose_teacher_is_wrong_is_judged_in_no_reading_and_counted(tool):
    depth = 4 + 30 * torch.rand(1, 2, 32, 48, generator=torch.Generator().manual_seed(0))
    everywhere = torch.ones_like(depth, dtype=torch.bool)
    disparity = 3 / depth + 1
    disparity[:, 1] *= -1
    keep = torch.zeros_like(everywhere)
    keep[..., ::2] = True
    found = tool.judge(
        TeacherOutput(disparity, 'disparity_affine_invariant', everywhere),
        DepthTarget(depth, everywhere, everywhere),
        None,
        keep,
    )
    assert len(found) == 3
    for views in found.values():
        assert tool.summary(views)[2:] == ['1 of 2', '50.0'] and views[1][2:] == (0, 32 * 24)


def test_a_teacher_that_is_right_up_to_scale_and_shift_has_no_error_and_lidar_alone_has(tool):
    depth = 4 + 30 * torch.rand(1, 2, 32, 48, generator=torch.Generator().manual_seed(0))
    everywhere = torch.ones_like(depth, dtype=torch.bool)
    teacher = TeacherOutput(3 / depth + 1, 'disparity_affine_invariant', everywhere)
    keep = torch.zeros_like(everywhere)
    keep[..., ::4, ::4] = True
    found = tool.judge(teacher, DepthTarget(depth, everywhere, everywhere), depth, keep)
    for truth in ('withheld LiDAR', 'dense'):
        for view in range(2):
            assert found['aligned in each view', truth][view][0] < 0.01
            assert found['corrected near LiDAR', truth][view][0] < 0.01
            assert found['LiDAR alone', truth][view][0] > 0.2


def test_tool(tool, toy_dgp, tmp_path, monkeypatch, capsys):
    toy_config(toy_dgp).dump(tmp_path / 'config.py')
    arguments = ['alignment_error.py', str(tmp_path / 'config.py'), '--frames', '1']
    monkeypatch.setattr(sys, 'argv', arguments)
    tool.main()
    rows = [
        [cell.strip() for cell in line.split('|')]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('|')
    ]
    assert rows[0][2:6] == [f'withheld LiDAR {column}' for column in ('AbsRel', 'δ1', 'views', '% of pixels')]
    assert [row[1] for row in rows[2:]] == ['aligned in each view', 'corrected near LiDAR', 'LiDAR alone']
    assert all(0 < float(row[2]) < 1 for row in rows[2:])
    assert all(row[4].endswith(f' of {len(AZIMUTHS)}') and 0 < float(row[5]) <= 100 for row in rows[2:])


class Named:
    """A data set whose frames a file names."""


def test_data_sets_without_splits_by_name_are_judged_as_they_are(tool):
    with pytest.raises(SystemExit, match='--split val: Named has no splits .* infos.pkl; .*ann_file='):
        tool.choose_split(ConfigDict(type=Named, ann_file='infos.pkl'), 'val')
    dataset = ConfigDict(type='Named', ann_file='infos.pkl')
    tool.choose_split(dataset, None)
    assert 'split' not in dataset
    dataset = ConfigDict(split='test')
    tool.choose_split(dataset, None)
    assert dataset.split == 'val'
    tool.choose_split(dataset, 'train')
    assert dataset.split == 'train'
