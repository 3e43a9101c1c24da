import math

import pytest
import torch
from toy_scene import BINS, H, W

from fsmde.models import CrossInteractionKD, DistillationStep
from fsmde.structures import StudentOutput, TeacherOutput


def distiller(probabilities, **kwargs):
    torch.manual_seed(0)
    return CrossInteractionKD(probabilities=probabilities, bins=BINS, student_channels=8, teacher_channels=8, **kwargs)


def affine(scene):
    """The same teacher, scaled and shifted by another amount in each image."""
    scale = torch.rand(scene.depth.shape[:2])[..., None, None] * 5 + 0.5
    shift = torch.rand(scene.depth.shape[:2])[..., None, None] * 9 - 4
    return TeacherOutput(
        scene.teacher.depth * scale + shift, scene.teacher.space, scene.teacher.valid, scene.teacher.features
    )


@pytest.mark.parametrize('probabilities', ['branch', 'aligned'])
def test_a_teacher_scaled_and_shifted_per_image_changes_nothing(scene, probabilities):
    kd = distiller(probabilities)
    before = kd.loss(scene.step())
    scene.teacher = affine(scene)
    after = kd.loss(scene.step())
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=1e-3, atol=1e-5)
        assert name.startswith('loss_kd_')


def test_the_crossing_moves_centers_and_branch_and_never_the_teacher(scene):
    kd = distiller('branch')
    scene.teacher.features.requires_grad_()
    scene.teacher.depth.requires_grad_()
    losses = kd.loss(scene.step())
    gradients = torch.autograd.grad(losses['loss_kd_cross'], [scene.student.centers, scene.student.logits], retain_graph=True,
                                    allow_unused=True)  # fmt: skip
    assert gradients[0].abs().sum() > 0 and gradients[1] is None
    losses['loss_kd_cross'].backward(retain_graph=True)
    assert all(p.grad.abs().sum() > 0 for p in kd.branch.parameters())
    # The KL moves the student's probabilities and neither the centers nor the branch.
    kd.zero_grad()
    scene.student.centers.grad = None
    losses['loss_kd_prob'].backward()
    assert scene.student.logits.grad.abs().sum() > 0 and scene.student.centers.grad is None
    assert all(p.grad is None for p in kd.branch.parameters())


@pytest.mark.parametrize('probabilities', ['branch', 'aligned'])
def test_empty_ground_truth_gives_finite_losses_and_gradients(scene, probabilities):
    scene.target.mask[:] = False
    scene.target.depth[:] = 0
    kd = distiller(probabilities)
    losses = kd.loss(scene.step())
    sum(losses.values()).backward()
    if probabilities == 'aligned':  # nothing to align to, nothing to distil
        assert losses['loss_kd_prob'] == 0
    else:
        assert losses['loss_kd_cross'] == 0
    gradients = [scene.student.logits.grad, *(p.grad for p in kd.parameters())]
    assert all(torch.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize('probabilities', ['branch', 'aligned'])
def test_camera_order_and_flip_commute(scene, probabilities):
    kd = distiller(probabilities)
    before = kd.loss(scene.step())

    def change(change_view, change_batch):
        s, t, g = scene.student, scene.teacher, scene.target
        student = type(s)(change_view(s.depth), change_view(s.logits), change_batch(s.centers), s.features)
        teacher = type(t)(change_view(t.depth), t.space, change_view(t.valid),
                          change_view(t.features.unflatten(0, (2, 3))).flatten(0, 1))  # fmt: skip
        target = type(g)(change_view(g.depth), change_view(g.mask), change_view(g.visible))
        return DistillationStep(student, teacher, target, scene.rig)

    reordered = kd.loss(change(lambda x: x[:, [2, 0, 1]], lambda x: x[:, [2, 0, 1]]))
    for name, value in before.items():
        torch.testing.assert_close(reordered[name], value)
    if probabilities == 'aligned':  # a convolution of a mirrored map is no mirrored convolution
        flipped = kd.loss(change(lambda x: x.flip(-1), lambda x: x))
        torch.testing.assert_close(flipped['loss_kd_prob'], before['loss_kd_prob'])


def test_a_teacher_that_agrees_with_lidar_pulls_unlabelled_pixels_to_metric_depth(scene):
    """LiDAR on the left half only; the student's logits are free. The right half ends at the right depth."""
    scene.target.mask[..., W // 2 :] = False
    kd = distiller('aligned')
    logits = scene.student.logits
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        kd.loss(scene.step())['loss_kd_prob'].backward()
        optimizer.step()
    small = torch.nn.functional.interpolate(scene.depth, size=logits.shape[-2:], mode='bilinear')
    depth = BINS.decode(logits.softmax(2), scene.student.centers[..., None, None], dim=2)
    error = ((depth - small).abs() / small)[..., logits.shape[-1] // 2 :]
    assert error.mean() < 0.05


def test_a_perfect_student_has_no_probability_loss(scene):
    """Goal and student agree where the student's distribution is the encoded truth."""
    kd = distiller('aligned')
    first = kd.loss(scene.step())['loss_kd_prob']
    small = torch.nn.functional.interpolate(scene.depth, size=(H // 4, W // 4), mode='bilinear')
    spacing = BINS.centers().log().diff().mean()
    perfect = BINS.encode(small, BINS.centers(), spacing.expand_as(small)).permute(0, 1, 4, 2, 3).clamp(min=1e-9).log()
    scene.student.logits = perfect
    assert kd.loss(scene.step())['loss_kd_prob'] < 0.01 * first


def test_factored_probabilities_know_no_scale(scene):
    """A student whose probabilities have the teacher's shape has no loss, at any level; s is never moved."""
    kd = distiller('factored')
    with pytest.raises(ValueError, match="BinDepthHead\\(centers='factored'\\)"):
        kd.loss(scene.step())
    size = scene.student.logits.shape[-2:]
    log_depth = torch.nn.functional.interpolate(scene.depth.log(), size=size, mode='bilinear')
    shape = (log_depth - log_depth.flatten(2).median(-1).values[..., None, None]).exp()
    centers = BINS.centers() / BINS.centers().log().mean().exp()
    spacing = BINS.centers().log().diff().mean()
    logits = BINS.encode(shape, centers, spacing.expand_as(shape)).permute(0, 1, 4, 2, 3).clamp(min=1e-9).log()
    first = scene.student
    for level in (0.7, 30.0):
        field = torch.randn(2, 3, *size, requires_grad=True)
        scene.student = StudentOutput(first.depth, logits, level * centers.expand(2, 3, -1), log_scale=field)
        assert kd.loss(scene.step())['loss_kd_prob'].item() == pytest.approx(0, abs=1e-4)
        scene.student.logits = first.logits
        loss = kd.loss(scene.step())['loss_kd_prob']
        assert loss > 0.1 and torch.autograd.grad(loss, [field, first.logits], allow_unused=True)[0] is None


def test_goals_are_told_in_the_centers_of_a_pixel(scene):
    """With factored centers c_k exp(s(x)) 'aligned' gives a pixel the goal of depth / exp(s(x)) with centers c_k."""
    field = torch.full((2, 3, 6, 8), 0.5)
    scene.student.log_scale = field
    shifted = distiller('aligned').loss(scene.step())['loss_kd_prob']
    scene.student.log_scale, scene.student.centers = None, scene.student.centers * math.exp(0.5)
    torch.testing.assert_close(distiller('aligned').loss(scene.step())['loss_kd_prob'], shifted)


def test_selection_by_hand(scene):
    """One LiDAR point of 10 m; the student says 20 m, the crossing 12 m in the first frame and 25 m in the second."""
    kd = distiller('branch', select=True)
    scene.target.mask[:] = False
    scene.target.mask[..., 9, 13], scene.target.depth[..., 9, 13] = True, 10.0  # cell (2, 3) of 4 x 4 pixels
    scene.student.depth = torch.full((2, 3, H, W), 20.0)
    crossed = torch.tensor([12.0, 25.0]).view(2, 1, 1, 1).expand(2, 3, H, W)
    certain = torch.zeros(2, 3, 16, H // 4, W // 4)
    certain[:, :, 5, :, 4:] = 100.0  # and on the left half all bins are as likely
    weight = kd._preference(certain, crossed, scene.student, scene.target)
    assert (weight[0, :, 1:4, 2:5] == 1).all() and (weight[1, :, 1:4, 2:5] == 0).all()
    torch.testing.assert_close(weight[1, :, 4:, :4], torch.zeros(3, 2, 4), rtol=0, atol=1e-6)
    torch.testing.assert_close(weight[1, :, 4:, 5:], torch.ones(3, 2, 3))


def test_wrong_arguments():
    with pytest.raises(ValueError, match='probabilities must be one of'):
        distiller('guessed')
    with pytest.raises(ValueError, match='BinDepthHead'):
        CrossInteractionKD(teacher_channels=8)
    with pytest.raises(ValueError, match='offers no features'):
        CrossInteractionKD(bins=BINS)
    with pytest.raises(ValueError, match='loss_weight'):
        distiller('aligned', loss_weight=-1)


def test_a_metric_teacher_has_no_affine_term(scene):
    scene.teacher = TeacherOutput(scene.depth, 'depth_metric', scene.teacher.valid, scene.teacher.features)
    assert set(distiller('branch').loss(scene.step())) == {'loss_kd_cross', 'loss_kd_prob'}
