import math

import pytest
import torch
from toy_scene import H, W

from fsmde.models import AlignedDepthKD
from fsmde.structures import TeacherOutput


@pytest.fixture
def metric(scene):
    """The toy scene with a teacher that says the truth in metres, so that nothing is left to correct."""
    scene.teacher = TeacherOutput(scene.depth, 'depth_metric', scene.teacher.valid)
    return scene


def test_twice_the_depth_is_ln_2_everywhere_and_no_step(metric):
    metric.student.depth = 2 * metric.depth
    losses = AlignedDepthKD(depth_weight=1.0, gradient_weight=1.0).loss(metric.step())
    assert losses['loss_kd_depth'].item() == pytest.approx(math.log(2), rel=1e-3)
    assert losses['loss_kd_gradient'].item() == pytest.approx(0, abs=1e-5)


def test_a_step_between_two_columns_by_hand(metric):
    """The right half is twice as far: half of the residuals are ln 2; one step in each row, of W / 2^k - 1 at scale k."""
    factor = torch.ones(H, W)
    factor[:, W // 2 :] = 2
    metric.student.depth = factor * metric.depth
    losses = AlignedDepthKD(depth_weight=1.0, gradient_weight=1.0).loss(metric.step())
    assert losses['loss_kd_depth'].item() == pytest.approx(math.log(2) / 2, rel=1e-3)
    expected = sum(math.log(2) / (W // 2**k - 1) for k in range(4))
    assert losses['loss_kd_gradient'].item() == pytest.approx(expected, rel=1e-3)


def test_a_relative_teacher_is_aligned_first(scene):
    """The scene's teacher is perfect up to scale and shift."""
    scene.student.depth = scene.depth
    for factor, shift in ((1.0, 0.0), (7.0, 3.0)):
        scene.teacher.depth = factor / scene.depth + shift
        assert all(loss < 1e-3 for loss in AlignedDepthKD().loss(scene.step()).values())


def test_a_loss_of_weight_0_is_left_out(scene):
    assert set(AlignedDepthKD(depth_weight=0.0).loss(scene.step())) == {'loss_kd_gradient'}
    assert set(AlignedDepthKD(gradient_weight=0.0).loss(scene.step())) == {'loss_kd_depth'}
    for options in (dict(depth_weight=-1.0), dict(tau=0.0)):
        with pytest.raises(ValueError, match='AlignedDepthKD: weights'):
            AlignedDepthKD(**options)
