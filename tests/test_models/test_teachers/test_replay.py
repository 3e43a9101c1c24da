"""Replaying augmentation, on ramps whose every value one can say."""

import pytest
import torch

from fsmde.models.teachers import replay_augmentation
from fsmde.structures import TeacherOutput

H, W = 6, 10


def ramp(height=H, width=W):
    """(1, 2, h, w): x + 100 y of the pixels' centres in an H x W image, and 1000 more in camera 1."""
    v = (torch.arange(height) + 0.5) * (H / height)
    u = (torch.arange(width) + 0.5) * (W / width)
    view = u[None] + 100 * v[:, None]
    return torch.stack([view, view + 1000])[None]


def teacher_output(depth, valid=None, features=None, space='depth_metric'):
    return TeacherOutput(depth, space, torch.ones_like(depth, dtype=torch.bool) if valid is None else valid, features)


def affine(sx=1.0, tx=0.0, sy=1.0, ty=0.0):
    return torch.tensor([[sx, 0, tx], [0, sy, ty], [0, 0, 1]])


def replay(output, *matrices, order=(0, 1), size=(H, W)):
    return replay_augmentation(output, torch.stack(matrices)[None], torch.tensor([order]), size, (H, W))


def test_identity_is_exact():
    depth = torch.rand(1, 2, H, W)
    features = torch.rand(2, 3, 3, 5)
    output = replay(teacher_output(depth, features=features), affine(), affine())
    assert torch.equal(output.depth, depth) and output.valid.all()
    torch.testing.assert_close(output.features, features)
    assert output.space == 'depth_metric'


def test_flip_is_exact_and_follows_the_cameras():
    depth, features = torch.rand(1, 2, H, W), torch.rand(2, 3, 3, 5)
    flip = affine(sx=-1, tx=W)
    output = replay(teacher_output(depth, features=features), flip, flip, order=(1, 0))
    assert torch.equal(output.depth, depth.flip(1).flip(-1)) and output.valid.all()
    torch.testing.assert_close(output.features, features.flip(0).flip(-1))


def test_flipping_twice_changes_nothing():
    depth = torch.rand(1, 2, 7, 11)
    flip = affine(sx=-1, tx=W)
    once = replay(teacher_output(depth), flip, flip, order=(1, 0), size=(7, 11))
    # The student's own 7 x 11 image: flip it about its own width.
    twice = replay_augmentation(
        once, torch.stack([affine(sx=-1, tx=11)] * 2)[None], torch.tensor([[1, 0]]), (7, 11), (7, 11)
    )
    assert once.valid.sum() == 2 * 6 * 10  # a 7 x 11 student looks one row and one column past a 6 x 10 image
    assert torch.equal(twice.valid, once.valid.flip(1).flip(-1))


def test_crop_moves_values_and_ends_at_the_border():
    # Cut at x = 3, y = 1: what was at (3, 1) is now at (0, 0), and the last 3 columns and the last row are new.
    output = replay(teacher_output(ramp()), affine(tx=-3, ty=-1), affine())
    assert torch.equal(output.depth[0, 0, :5, :7], ramp()[0, 0, 1:, 3:])
    assert output.valid[0, 0, :5, :7].all() and output.valid[0, 0].sum() == 35
    assert (output.depth[0, 0][~output.valid[0, 0]] == 0).all()
    assert torch.equal(output.depth[0, 1], ramp()[0, 1])


@pytest.mark.parametrize('resolution', [(6, 10), (3, 5), (12, 20)])
def test_zoom_reads_continuous_coordinates(resolution):
    # Zoomed by 2 about the corner: pixel centre (u, v) shows (u / 2, v / 2), whatever the teacher's own resolution.
    numbers = teacher_output(ramp(*resolution), space='disparity_affine_invariant')
    output = replay(numbers, affine(sx=2, sy=2), affine())
    u, v = (torch.arange(W) + 0.5) / 2, (torch.arange(H) + 0.5) / 2
    expected = (u[None] + 100 * v[:, None])[2:, 2:]  # the outermost pixel lies between two samples only at 6 x 10
    torch.testing.assert_close(output.depth[0, 0, 2:, 2:], expected)
    # A plane is a ramp of inverse depth.
    for space in ('depth_metric', 'depth_scale_invariant', 'depth_scale_invariant_multi_view'):
        plane = replay(teacher_output(1 / ramp(*resolution), space=space), affine(sx=2, sy=2), affine())
        torch.testing.assert_close(plane.depth[0, 0, 2:, 2:], 1 / expected)


def test_the_sky_does_not_push_away_what_stands_before_it():
    depth = torch.full((1, 2, H, W), 1e4)
    depth[..., 4:] = 10.0
    output = replay(teacher_output(depth), affine(tx=0.25), affine())
    # A quarter sky and three quarters of 10 m.
    assert output.depth[0, 0, 0, 4].item() == pytest.approx(1 / (0.25e-4 + 0.075))


def test_zoom_leaves_depth_unscaled():
    output = replay(teacher_output(torch.full((1, 2, H, W), 7.0)), affine(sx=1.7, tx=-2, sy=1.3), affine(sx=-3, tx=20))
    torch.testing.assert_close(output.depth[output.valid], torch.full((int(output.valid.sum()),), 7.0))


def test_unseen_pixels_spread_to_what_touches_them_only():
    depth = ramp()
    depth[0, 0, 2, 4] = float('nan')
    valid = depth.isfinite()
    same = replay(teacher_output(depth, valid), affine(), affine())
    assert torch.equal(same.valid, valid) and torch.equal(same.depth[valid], depth[valid])
    half = replay(teacher_output(depth, valid), affine(tx=0.5), affine())
    assert (~half.valid[0, 0]).nonzero().tolist() == [[2, 4], [2, 5]]
    assert half.depth.isfinite().all()


def test_frames_of_a_batch_are_independent():
    depth = torch.cat([ramp(), ramp() + 5000])
    matrices = torch.stack([torch.stack([affine(), affine()]), torch.stack([affine(sx=-1, tx=W)] * 2)])
    output = replay_augmentation(teacher_output(depth), matrices, torch.tensor([[0, 1], [1, 0]]), (H, W), (H, W))
    assert torch.equal(output.depth[0], depth[0])
    assert torch.equal(output.depth[1], depth[1].flip(0).flip(-1))


def test_smaller_student_gets_its_own_size():
    features = torch.rand(2, 3, 4, 4)
    numbers = teacher_output(ramp(), features=features, space='disparity_affine_invariant')
    output = replay(numbers, affine(sx=0.5, sy=0.5), affine(), size=(3, 5))
    assert output.depth.shape == (1, 2, 3, 5) and output.features.shape == (2, 3, 4, 4)
    # Half size: pixel (0, 0) shows (1, 1).
    assert output.depth[0, 0, 0, 0].item() == pytest.approx(101)
    torch.testing.assert_close(output.features[0], features[0])


def test_shapes_are_checked():
    with pytest.raises(ValueError, match='aug2d'):
        replay_augmentation(teacher_output(ramp()), torch.eye(3)[None, None], torch.tensor([[0, 1]]), (H, W), (H, W))
