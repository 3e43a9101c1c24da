import pytest
import torch

from fsmde.models import DistillationStep, ScaleShiftInvariantKD
from fsmde.models.distillers.scale_shift_invariant_kd import shift_and_scale, trimmed_mean
from fsmde.structures import DepthTarget, StudentOutput, TeacherOutput

SPACES = ['disparity_affine_invariant', 'depth_affine_invariant', 'depth_scale_invariant', 'depth_metric',
          'depth_scale_invariant_multi_view']  # fmt: skip


def loss_of(student, teacher, space='depth_affine_invariant', mask=None, **kwargs):
    """Of one view given as nested lists."""
    student, teacher = (torch.tensor(x)[None, None] for x in (student, teacher))
    mask = torch.ones_like(teacher, dtype=torch.bool) if mask is None else torch.tensor(mask)[None, None]
    kd = ScaleShiftInvariantKD(stride=1, **kwargs)
    target = DepthTarget(torch.zeros_like(student), torch.zeros_like(mask), torch.ones_like(mask))
    step = DistillationStep(StudentOutput(student), TeacherOutput(teacher, space, mask), target, None)
    return {key: value.item() for key, value in kd.loss(step).items()}


def test_median_and_mean_deviation_by_hand():
    values, mask = torch.tensor([[[[1.0, 2.0, 6.0, 99.0]]]]), torch.tensor([[[[True, True, True, False]]]])
    shift, scale = shift_and_scale(values, mask, 'depth_affine_invariant')
    assert shift.item() == 2 and scale.item() == pytest.approx(5 / 3)
    shift, scale = shift_and_scale(values, mask, 'depth_scale_invariant')
    assert shift.item() == 0 and scale.item() == 3


def test_losses_by_hand():
    """Student 1 2 6 -> (-1, 0, 4) * 3 / 5, teacher 1 2 3 -> (-1, 0, 1) * 3 / 2: residuals 0.9, 0, 0.9."""
    losses = loss_of([[1.0, 2.0, 6.0]], [[1.0, 2.0, 3.0]], trim=0, gradient_weight=0.5)
    assert losses['loss_kd_response'] == pytest.approx(1.8 / 3 / 2)
    # Two steps of 0.9 at full size, none between the first and the last at half.
    assert losses['loss_kd_response_gradient'] == pytest.approx(0.5 * 0.9)


def test_the_largest_residuals_are_left_out():
    residual, mask = torch.tensor([[[[1.0, 2, 3, 4, 100, 50]]]]), torch.tensor([[[[True] * 5 + [False]]]])
    assert trimmed_mean(residual, mask, 0.2).item() == pytest.approx(10 / 5)
    assert trimmed_mean(residual, mask, 0).item() == pytest.approx(110 / 5)


@pytest.mark.parametrize('space', SPACES)
def test_a_student_that_differs_in_what_is_unknown_has_no_loss(scene, space):
    truth = 1 / scene.depth if 'disparity' in space else scene.depth
    shift = 3.0 if 'affine' in space else 0.0
    scale = 1.0 if space == 'depth_metric' else 7.0
    scene.teacher = TeacherOutput(scale * truth + shift, space, scene.teacher.valid)
    scene.student = StudentOutput(scene.depth)
    losses = ScaleShiftInvariantKD().loss(scene.step())
    assert all(value.item() == pytest.approx(0, abs=1e-4) for value in losses.values())
    scene.student = StudentOutput(2 * scene.depth)
    wrong = ScaleShiftInvariantKD().loss(scene.step())['loss_kd_response'].item()
    assert (wrong > 0.1) if space == 'depth_metric' else (wrong == pytest.approx(0, abs=1e-4))


def test_a_rig_has_one_scale(scene):
    """A student whose first view is twice too far has a loss if the teacher's views share their scale, and else none."""
    wrong = scene.depth.clone()
    wrong[:, 0] *= 2
    scene.student = StudentOutput(wrong)
    for space, expected in (('depth_scale_invariant', False), ('depth_scale_invariant_multi_view', True)):
        scene.teacher = TeacherOutput(scene.depth, space, scene.teacher.valid)
        loss = ScaleShiftInvariantKD().loss(scene.step())['loss_kd_response'].item()
        assert (loss > 0.05) == expected


def test_wrong_arguments():
    for options in (dict(trim=1.0), dict(gradient_weight=-1), dict(stride=0)):
        with pytest.raises(ValueError, match='trim must lie in'):
            ScaleShiftInvariantKD(**options)
