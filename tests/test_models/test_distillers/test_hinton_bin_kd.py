import math

import pytest
import torch
from toy_scene import BINS

from fsmde.bins import DepthBins
from fsmde.models import HintonBinKD
from fsmde.models.distillers.bin_goals import rebinned_goal
from fsmde.structures import StudentOutput


def test_kl_with_temperature_by_hand():
    """Against logits 0 and 4 / T = 2, a goal of 1/2, 1/2: T^2 (-ln 2 - (0 + 2) / 2 + ln(1 + e^2))."""
    kd = HintonBinKD(temperature=2.0, bins=BINS)
    logits, goal = torch.tensor([0.0, 4.0]).view(1, 1, 2, 1, 1), torch.full((1, 1, 2, 1, 1), 0.5)
    loss = kd.compare(logits / 2, goal, torch.ones(1, 1, 1, 1, dtype=torch.bool))['loss_kd_hinton']
    assert loss.item() == pytest.approx(4 * (-math.log(2) - 1 + math.log(1 + math.exp(2))))


def test_the_teachers_bins_onto_the_students():
    """A certain teacher with bins of one octave says 2 to 4 m; the student's two bins meet at three quarters of that."""
    own, bins = DepthBins(4, 1.0, 16.0), DepthBins(2, 1.0, 16.0)
    centers = torch.tensor([2**0.75, 8.0 * 2**-0.25]).view(1, 1, 2)  # meet at 2 ** 1.75
    student = StudentOutput(None, torch.zeros(1, 1, 2, 1, 1), centers)
    goal = rebinned_goal(bins, own, torch.full((1, 1, 1, 1), 8**0.5), 0.01, student)
    torch.testing.assert_close(goal.flatten(), torch.tensor([0.75, 0.25]))


def test_a_student_that_answers_as_the_teacher_has_no_loss(scene):
    """With the same bins on both sides: logits of the same Gaussian."""
    kd = HintonBinKD(teacher_bins=dict(num_bins=16, min_depth=0.5, max_depth=80.0), bins=BINS)
    small = torch.nn.functional.interpolate(scene.depth.log(), size=scene.student.logits.shape[-2:], mode='bilinear')
    nodes, width = BINS.centers().log(), math.log(160) / 16
    logits = -0.5 * ((nodes - small[..., None]) / width) ** 2
    scene.student = StudentOutput(scene.depth, logits.permute(0, 1, 4, 2, 3), scene.student.centers)
    assert kd.loss(scene.step())['loss_kd_hinton'].item() == pytest.approx(0, abs=1e-3)


def test_wrong_arguments():
    with pytest.raises(ValueError, match='HintonBinKD distils bin probabilities'):
        HintonBinKD()
    with pytest.raises(ValueError, match='temperature must be positive'):
        HintonBinKD(temperature=0.0, bins=BINS)
