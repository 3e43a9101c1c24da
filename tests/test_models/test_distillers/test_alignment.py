import pytest
import torch
from toy_scene import BINS

from fsmde.models import AlignedDistiller, CrossInteractionKD
from fsmde.models.distillers import align_to_lidar
from fsmde.structures import StudentOutput, TeacherOutput


@pytest.mark.parametrize(
    'space, distort',
    [
        ('disparity_affine_invariant', lambda d: 40 / d - 0.7),
        ('depth_affine_invariant', lambda d: 0.1 * d + 5),
        ('depth_scale_invariant', lambda d: 0.03 * d),
        ('depth_metric', lambda d: d),
    ],
)
def test_recovers_metric_depth_in_every_space(scene, space, distort):
    teacher = TeacherOutput(distort(scene.depth), space, scene.teacher.valid)
    depth, valid = align_to_lidar(teacher, scene.target)
    assert valid.all()
    torch.testing.assert_close(depth, scene.depth, rtol=2e-3, atol=0)


def test_outliers_do_not_rule(scene):
    scene.target.depth[..., :3] = torch.where(scene.target.mask[..., :3], 79.0, 0.0)
    depth, _ = align_to_lidar(scene.teacher, scene.target)
    error = ((depth - scene.depth).abs() / scene.depth)[..., 3:]
    assert error.mean() < 0.03


def test_views_that_cannot_be_aligned_are_not_valid(scene):
    scene.target.mask[0, 0] = False  # no LiDAR at all
    scene.target.mask[0, 1] = False
    scene.target.mask[0, 1, 0, :5] = True  # five points
    scene.target.depth[0, 1, 0, :5] = scene.depth[0, 1, 0, :5]
    scene.teacher.depth[0, 2] *= -1  # nearer and farther confused
    depth, valid = align_to_lidar(scene.teacher, scene.target)
    assert torch.isfinite(depth).all()
    assert not valid[0].any() and valid[1].all()


def test_views_without_lidar_are_aligned_to_the_students_own_depth(scene):
    """A teacher that is perfect up to scale and shift comes out at the scale of a student that is 20 % too far."""
    scene.target.mask[0, 0] = False
    scene.student = StudentOutput((1.2 * scene.depth).requires_grad_())
    depth, valid = AlignedDistiller(self_align=True).metric_depth(scene.student, scene.teacher, scene.target)
    assert valid.all() and not depth.requires_grad
    torch.testing.assert_close(depth[0, 0], 1.2 * scene.depth[0, 0], rtol=2e-3, atol=0)
    torch.testing.assert_close(depth[1], scene.depth[1], rtol=2e-3, atol=0)
    _, valid = AlignedDistiller().metric_depth(scene.student, scene.teacher, scene.target)
    assert not valid[0, 0].any() and valid[1].all()


def test_without_labels_the_shape_is_learned_at_the_students_scale(scene):
    """Of a student that is 20 % too far and flat on the right half, cross-interaction KD mends the shape only."""
    scene.target.mask[:] = False
    kd = CrossInteractionKD(probabilities='aligned', self_align=True, tau=10.0, bins=BINS)
    small = torch.nn.functional.interpolate(scene.depth, size=scene.student.logits.shape[-2:], mode='bilinear')

    def loss_of(depth):
        logits = BINS.encode(depth, BINS.centers(), torch.full_like(depth, 0.35)).permute(0, 1, 4, 2, 3).log()
        full = torch.nn.functional.interpolate(depth, size=scene.depth.shape[-2:], mode='bilinear')
        scene.student = StudentOutput(full, logits, scene.student.centers)
        return kd.loss(*scene.arguments())['loss_kd_prob'].item()

    far, flat = 1.2 * small, small.clone()
    flat[..., 4:] = small[..., 4:].mean()
    assert loss_of(far) == pytest.approx(loss_of(small), abs=0.01)
    assert loss_of(flat) > 5 * loss_of(small)


def test_distillers_of_a_step_share_what_is_aligned(scene):
    first, second, other = (AlignedDistiller(local=local) for local in (True, True, False))
    depth = first.metric_depth(*scene.arguments()[:3])[0]
    assert second.metric_depth(*scene.arguments()[:3])[0] is depth
    assert other.metric_depth(*scene.arguments()[:3])[0] is not depth
    # Another student is another step.
    student = StudentOutput(scene.student.depth)
    assert first.metric_depth(student, scene.teacher, scene.target)[0] is not depth


def test_a_metric_teacher_is_taken_at_its_word_but_near_lidar(scene):
    teacher = TeacherOutput(2 * scene.depth, 'depth_metric', torch.ones_like(scene.depth, dtype=torch.bool))
    assert torch.equal(AlignedDistiller().metric_depth(scene.student, teacher, scene.target)[0], teacher.depth)
    corrected = AlignedDistiller(local=True).metric_depth(scene.student, teacher, scene.target)[0]
    measured = scene.target.mask
    torch.testing.assert_close(corrected[measured], scene.depth[measured], rtol=0.1, atol=0)


def test_few_points_pull_towards_lidar_and_not_towards_the_student(scene):
    """A view has four LiDAR points, 30 % beyond the student's depth to which it is aligned."""
    scene.student = StudentOutput(scene.depth / 1.3)
    four = scene.target.mask[0, 0].nonzero()[:4]
    scene.target.mask[0, 0] = False
    scene.target.mask[0, 0, four[:, 0], four[:, 1]] = True
    depth = AlignedDistiller(self_align=True, local=True).metric_depth(scene.student, scene.teacher, scene.target)[0]
    near = depth[0, 0, four[:, 0], four[:, 1]] / scene.depth[0, 0, four[:, 0], four[:, 1]]
    assert (near > 0.9).all()
