import pytest
import torch
from toy_scene import BINS

from fsmde.models import TieKD
from fsmde.models.distillers.bin_goals import gaussian_goal
from fsmde.structures import StudentOutput, TeacherOutput


def test_the_depth_probability_map_by_hand():
    """Around the eighth of bins a factor q apart, with sigma = ln q: 1, e^-1/2, e^-2, ... over their sum."""
    student = StudentOutput(None, None, BINS.centers()[None, None])
    spread = BINS.centers().log().diff().mean()
    goal = gaussian_goal(BINS, BINS.centers()[7].view(1, 1, 1, 1), spread, student).flatten()
    expected = torch.exp(-0.5 * (torch.arange(16.0) - 7) ** 2)
    torch.testing.assert_close(goal, expected / expected.sum())


def test_a_student_that_says_the_teachers_depth_has_no_structure_loss(scene):
    scene.teacher = TeacherOutput(scene.depth, 'depth_metric', scene.teacher.valid)
    kd = TieKD(bins=BINS)
    assert kd.loss(scene.step())['loss_kd_structure'] > 0.1
    scene.student.depth = scene.depth
    assert kd.loss(scene.step())['loss_kd_structure'].item() == pytest.approx(0, abs=1e-5)


def test_shares_of_the_two_losses(scene):
    half, tenth = (TieKD(kl_share=share, bins=BINS).loss(scene.step()) for share in (0.5, 0.1))
    torch.testing.assert_close(half['loss_kd_dpm'], 5 * tenth['loss_kd_dpm'])
    torch.testing.assert_close(half['loss_kd_structure'] * 9, 5 * tenth['loss_kd_structure'])


def test_wrong_arguments():
    with pytest.raises(ValueError, match='BinDepthHead'):
        TieKD()
    for options in (dict(spread=0.0), dict(kl_share=2.0), dict(window=10)):
        with pytest.raises(ValueError, match='kl_share in'):
            TieKD(bins=BINS, **options)
