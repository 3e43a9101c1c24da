import pytest
import torch

from fsmde.models.distillers import align_to_lidar
from fsmde.structures import TeacherOutput


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
