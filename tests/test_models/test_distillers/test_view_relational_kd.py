import math

import pytest
import torch
from toy_scene import BINS

from fsmde.models import DistillationStep, ViewRelationalKD
from fsmde.structures import StudentOutput, TeacherOutput


def distiller(relation, **kwargs):
    return ViewRelationalKD(relation, grid=(3, 4), teacher_channels=8, student_channels=8, **kwargs)


@pytest.mark.parametrize('relation', ['geometric', 'feature'])
def test_identical_teacher_and_student_have_no_loss(scene, relation):
    scene.student = StudentOutput(scene.depth, scene.student.logits, scene.student.centers, scene.teacher.features)
    assert distiller(relation).loss(scene.step())['loss_kd_view'].item() == pytest.approx(0, abs=1e-4)


def test_log_distance_of_two_points_by_hand():
    kd = distiller('geometric')
    points = torch.tensor([[[0.0, 0, 0], [0.0, 3, 4]]]).view(1, 2, 1, 1, 3)
    value = kd._log_distances(points, torch.tensor([[0, 1]]))
    assert value.item() == pytest.approx(math.log(5), abs=1e-3)


def test_cosines_within_and_between_views_by_hand(scene):
    """One token a view: of the student at 0, 90 and 180 degrees, of the teacher all alike.

    Each view agrees with itself, so of six relations three differ: by 1, 1 and 2.
    """
    kd = ViewRelationalKD('feature', grid=(1, 1), teacher_channels=8, student_channels=2)
    mine = torch.tensor([[1.0, 0], [0, 2], [-3, 0]]).repeat(2, 1)[..., None, None].expand(-1, -1, 12, 16)
    scene.student = StudentOutput(scene.depth, features=mine.clone().requires_grad_())
    scene.teacher.features = torch.ones(6, 8, 12, 16)
    assert kd.loss(scene.step())['loss_kd_view'].item() == pytest.approx((1 + 1 + 4) / 6)


def test_geometric_relations_see_that_one_view_has_another_scale(scene):
    """Feature similarities cannot: the loss of a student whose first view is 30 % too far is not zero."""
    wrong = scene.depth.clone()
    wrong[:, 0] *= 1.3
    scene.student = StudentOutput(wrong, features=scene.teacher.features)
    assert distiller('geometric').loss(scene.step())['loss_kd_view'] > 0.02
    assert distiller('feature').loss(scene.step())['loss_kd_view'].item() == pytest.approx(0, abs=1e-4)


def test_relations_of_a_teacher_that_has_seen_the_rig_reach_views_without_labels(scene):
    """LiDAR in views 1 and 2; the student is 30 % too far in view 0, which a teacher of single views cannot know."""
    wrong = scene.depth.clone()
    wrong[:, 0] *= 1.3
    scene.student = StudentOutput(wrong, features=scene.teacher.features)
    scene.target.mask[:, 0] = False
    for space in ('depth_scale_invariant', 'depth_scale_invariant_multi_view'):
        scene.teacher = TeacherOutput(0.1 * scene.depth, space, scene.teacher.valid)
        depth, valid = distiller('geometric').metric_depth(scene.step())
        assert valid[:, 0].all() == (space == 'depth_scale_invariant_multi_view')
    torch.testing.assert_close(depth[:, 0], scene.depth[:, 0], rtol=2e-3, atol=0)


def test_a_teacher_scaled_and_shifted_changes_nothing(scene):
    before = distiller('geometric').loss(scene.step())['loss_kd_view']
    scene.teacher = TeacherOutput(7 * scene.teacher.depth + 3, scene.teacher.space, scene.teacher.valid)
    torch.testing.assert_close(distiller('geometric').loss(scene.step())['loss_kd_view'], before, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('relation', ['geometric', 'feature'])
def test_camera_order_commutes(scene, relation):
    kd = distiller(relation)
    before = kd.loss(scene.step())['loss_kd_view']
    order = [1, 2, 0]

    def views(x):
        return x[:, order]

    def maps(x):
        return views(x.unflatten(0, (2, 3))).flatten(0, 1)

    s, t, g, rig = scene.student, scene.teacher, scene.target, scene.rig
    # Every camera of this rig neighbours both others, so the pairs stay the same three.
    rig = type(rig)(views(rig.cam2img), views(rig.cam2ego), rig.neighbors, rig.image_size)
    student = StudentOutput(views(s.depth), views(s.logits), views(s.centers), maps(s.features))
    teacher = TeacherOutput(views(t.depth), t.space, views(t.valid), maps(t.features))
    target = type(g)(views(g.depth), views(g.mask), views(g.visible))
    after = kd.loss(DistillationStep(student, teacher, target, rig))['loss_kd_view']
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize('relation', ['geometric', 'feature'])
def test_nothing_to_relate_gives_zero_and_finite_gradients(scene, relation):
    scene.target.mask[:] = False
    scene.target.visible[:] = False
    loss = distiller(relation).loss(scene.step())['loss_kd_view']
    loss.backward()
    grads = [g for g in (scene.student.logits.grad, scene.student.features.grad) if g is not None]
    assert loss == 0 and grads and all(torch.isfinite(g).all() for g in grads)


def test_only_relations_cross_so_channels_need_not_agree(scene):
    scene.teacher.features = torch.randn(6, 40, 12, 16)
    loss = distiller('feature').loss(scene.step())['loss_kd_view']
    assert loss > 0 and torch.isfinite(loss)


def test_only_tokens_near_the_shared_wedge_are_related(scene):
    """Cameras 60 degrees apart see 77 degrees each: without a margin the outer of four columns is in the wedge.

    Columns look 31, 11, -11 and -31 degrees from the axis (at 3/4 and 1/4 of 16 / 20); the other camera sees from 60 - 39
    to 60 + 39 degrees.
    """
    kd = ViewRelationalKD(pairs='wedge', margin=0.0, grid=(1, 4))
    used = torch.ones(2, 3, 1, 4, dtype=torch.bool)
    pairs = scene.rig.pairs()  # the first is 0 and 1, which looks to the left
    assert kd._both(used, scene.rig, pairs)[0, 0].nonzero().tolist() == [[0, 3]]
    # Of a view with itself all are.
    assert kd._both(used, scene.rig, torch.tensor([[0, 0]])).all()
    kd.pairs = 'all'
    assert kd._both(used, scene.rig, pairs).all()


def test_probabilities_of_a_perfect_student_have_no_loss(scene):
    kd = ViewRelationalKD('probability', grid=(3, 4), bins=BINS)
    assert kd.loss(scene.step())['loss_kd_view'] > 0.04
    small = torch.nn.functional.interpolate(scene.depth.log(), size=scene.student.logits.shape[-2:], mode='bilinear')
    spacing = BINS.centers().log().diff().mean()
    goal = BINS.encode(small.exp(), BINS.centers(), spacing.expand_as(small)).permute(0, 1, 4, 2, 3)
    scene.student = StudentOutput(scene.depth, goal.clamp(min=1e-9).log(), scene.student.centers)
    assert kd.loss(scene.step())['loss_kd_view'].item() == pytest.approx(0, abs=1e-3)


def test_wrong_arguments():
    with pytest.raises(ValueError, match='relation must be one of'):
        distiller('spatial')
    with pytest.raises(ValueError, match='offers no features'):
        ViewRelationalKD('feature')
    with pytest.raises(ValueError, match='BinDepthHead'):
        ViewRelationalKD('probability')
    with pytest.raises(ValueError, match='pairs must be one of'):
        ViewRelationalKD(pairs='adjacent')


def test_what_no_lidar_is_in_is_not_related(scene):
    """The upper third of every view, one row of tokens, has no LiDAR, and what the teacher says there is nonsense."""
    scene.target.mask[..., :8, :] = False
    scene.student = StudentOutput(scene.depth)
    scene.teacher.depth[..., :8, :] *= 0.1
    assert distiller('geometric').loss(scene.step())['loss_kd_view'].item() == pytest.approx(0, abs=1e-4)
    scene.target.mask[..., :8, ::4] = True
    # It was no nonsense: the upper third is ten times as far as the student says.
    scene.target.depth[..., :8, ::4] = 10 * scene.depth[..., :8, ::4]
    assert distiller('geometric').loss(scene.step())['loss_kd_view'] > 0.01
