import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from toy_scene import BINS

from fsmde.models import AlignedDepthKD, AlignedDistiller, CrossInteractionKD
from fsmde.models.distillers import align_to_lidar
from fsmde.models.distillers.alignment import _resize
from fsmde.models.distillers.step import BLEND
from fsmde.structures import POSITIVE, DepthTarget, StudentOutput, TeacherOutput

MULTI_VIEW = 'depth_scale_invariant_multi_view'
RELATIVE = 'disparity_affine_invariant', 'depth_affine_invariant', 'depth_scale_invariant'


def align(t, g, space):
    """Aligned depth (P,) float64 and whether it is trusted, of one view whose every pixel (P,) has LiDAR."""
    t, g = (torch.as_tensor(x, dtype=torch.float32).view(1, 1, 1, -1) for x in (t, g))
    everywhere = torch.ones_like(g, dtype=torch.bool)
    depth, valid = align_to_lidar(TeacherOutput(t, space, everywhere), DepthTarget(g, everywhere, everywhere))
    assert torch.isfinite(depth).all() and valid.all() == valid.any()
    return depth.double().flatten().numpy(), bool(valid.any())


def loss_of(depth, g):
    """The loss as the docstring states it."""
    r = np.abs(np.log(np.clip(depth, 1e-3, 1e3)) - np.log(g))
    return np.where(r < 0.1, r**2 / 2, 0.1 * (r - 0.05)).mean()


def least_loss(t, g, space):
    """The least that a general optimiser finds, from thirteen starts."""
    inverse, shift_free = space.startswith('disparity'), space == 'depth_scale_invariant'
    y, x = 1 / g if inverse else g, t / t.std() if shift_free else (t - np.median(t)) / t.std()

    def loss(line):
        f = line[0] * x + (0 if shift_free else line[1])
        return loss_of(1 / np.maximum(f, 1e-9) if inverse else f, g)

    middle, slopes = np.median(y), (-1, -0.3, 0, 0.1, 0.3, 0.6, 1, 2)
    starts = [np.array([slope * middle, middle]) for slope in slopes]
    starts += [np.array([0, np.quantile(y, q)]) for q in (0.1, 0.3, 0.9)] + [
        np.polyfit(x, y, 1),
        np.polyfit(x, y, 1, w=1 / y),
    ]
    if shift_free:
        starts = [np.array([factor * np.median(y / x)]) for factor in (0.3, 0.6, 1, 1.5, 3)]
    options = dict(maxiter=800, xatol=1e-9 * middle, fatol=1e-12)
    for _ in range(2):
        found = [minimize(loss, start, method='Nelder-Mead', options=options) for start in starts]
        starts = [result.x for result in found]
    return min(result.fun for result in found)


@pytest.mark.parametrize('space', RELATIVE)
def test_a_fit_by_hand(space):
    """Where t = 1, eleven points are at 10 m and nine at 20 m, where t = 2 twenty at twice (or half) that.

    The line can go anywhere at both, so each is fitted by itself. With r = ln(d / 10) the loss is 11 r^2 / 2 + 9 * 0.1
    (ln 2 - r - 0.05), least at r = 0.9 / 11.
    """
    t = np.repeat([1.0, 2.0], 20)
    far = np.array([10.0] * 11 + [20.0] * 9)
    g = np.concatenate([far, far / 2 if space.startswith('disparity') else far * 2])
    depth, trusted = align(t, g, space)
    assert trusted and depth[0] == pytest.approx(10 * math.exp(0.9 / 11), rel=1e-4)
    assert depth[-1] == pytest.approx(g[20] * math.exp(0.9 / 11), rel=1e-4)


@pytest.mark.parametrize('space', RELATIVE)
@pytest.mark.parametrize('points', [16, 40, 900])
@pytest.mark.parametrize('noise, outliers', [(0.0, 0.3), (0.2, 0.0), (0.5, 0.3), (1.0, 0.0)])
def test_no_general_optimiser_finds_less(space, points, noise, outliers):
    rng = np.random.default_rng(points)
    for near in (2.0, 20.0)[: 1 if points > 100 else 2]:
        g = rng.uniform(near, 50, points)
        t = 3 * (1 / g if space.startswith('disparity') else g) * np.exp(noise * rng.standard_normal(points))
        t = (t if space == 'depth_scale_invariant' else t + 0.7).astype(np.float32).astype(np.float64)
        g = (
            np.where(rng.random(points) < outliers, rng.uniform(1, 80, points), g)
            .astype(np.float32)
            .astype(np.float64)
        )
        least = least_loss(t, g, space)
        assert loss_of(align(t, g, space)[0], g) <= 1.003 * least + 1e-7


def test_a_teacher_whose_order_is_wrong_is_not_trusted_and_a_noisy_one_is():
    """The noise takes up most of the depth's range; a fit with wrong weights comes out 6 % farther, and more than that
    with greater noise.
    """
    rng = np.random.default_rng(0)
    g = rng.uniform(2, 50, 2000)
    t = 3 / g * np.exp(0.5 * rng.standard_normal(2000))
    depth, trusted = align(t + 0.7, g, 'disparity_affine_invariant')
    assert trusted and abs(depth / g - 1).mean() < 0.35
    assert not align(-t, g, 'disparity_affine_invariant')[1]
    assert not align(-g, g, 'depth_scale_invariant')[1]


def test_scale_and_shift_of_the_teacher_change_nothing():
    rng = np.random.default_rng(0)
    g = rng.uniform(2, 50, 500)
    t = 1 / g * np.exp(0.5 * rng.standard_normal(500))
    depth, _ = align(t, g, 'disparity_affine_invariant')
    for scale, shift in ((3, 7), (1e-12, 0), (1e12, -1e12)):
        np.testing.assert_allclose(align(scale * t + shift, g, 'disparity_affine_invariant')[0], depth, rtol=1e-3)
    scaled, _ = align(1e-12 * t, 1 / t, 'depth_affine_invariant')
    np.testing.assert_allclose(scaled, align(t, 1 / t, 'depth_affine_invariant')[0], rtol=1e-3)


@pytest.mark.parametrize('space', RELATIVE)
@pytest.mark.parametrize(
    't, g',
    [
        (np.zeros(64), np.linspace(2, 50, 64)),  # a teacher that says nothing
        (np.linspace(1, 2, 64) * -1, np.full(64, 9.0)),  # one depth
        (np.linspace(1, 2, 15), np.linspace(2, 50, 15)),  # too few points
    ],
)
def test_what_says_nothing_is_finite_and_not_trusted(space, t, g):
    assert not align(t, g, space)[1]


@pytest.mark.parametrize('space', RELATIVE)
def test_a_teacher_that_says_the_same_everywhere_has_a_scale_and_no_shift(space):
    depth, trusted = align(np.full(64, 3.0), np.linspace(2, 50, 64), space)
    assert trusted == (space == 'depth_scale_invariant') and 20 < depth[0] < 32


@pytest.mark.parametrize('space', RELATIVE)
def test_a_few_absurd_numbers_change_little(space):
    g = np.linspace(2, 50, 400)
    t = 1 / g if space.startswith('disparity') else g.copy()
    t[::40] = 1e30
    t[1], t[2] = -3e38, 3e38
    depth, trusted = align(t, g, space)
    assert trusted
    usual = np.abs(t) < 1e30
    np.testing.assert_allclose(depth[usual], g[usual], rtol=0.02)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 1e30])
def test_what_the_masks_hide_has_no_influence(scene, value):
    """At another size, too, where pixels beside what is hidden are interpolated."""
    depth = torch.nn.functional.interpolate(scene.teacher.depth, size=(12, 16))
    valid = torch.ones_like(depth, dtype=torch.bool)
    valid[..., 3:6, 4:9] = False
    scene.target.depth[~scene.target.mask] = value
    expected = align_to_lidar(TeacherOutput(depth, scene.teacher.space, valid), scene.target)
    found = align_to_lidar(TeacherOutput(depth.where(valid, value), scene.teacher.space, valid), scene.target)
    assert torch.equal(expected[0], found[0]) and torch.equal(expected[1], found[1])
    assert torch.isfinite(found[0]).all() and 0 < found[1].float().mean() < 1


def test_labels_that_are_not_finite_are_no_labels(scene):
    """As a student's own depth may be, when it diverges."""
    mask = scene.target.mask.clone()
    scene.target.mask[0, 0, 0] = False
    expected = align_to_lidar(scene.teacher, scene.target)
    scene.target.mask[:], scene.target.depth[0, 0, 0] = mask, float('nan')
    found = align_to_lidar(scene.teacher, scene.target)
    assert torch.equal(expected[0], found[0]) and torch.equal(expected[1], found[1])


def test_of_many_points_some_are_used_and_the_fit_is_the_same_to_a_thousandth():
    rng = np.random.default_rng(0)
    g = rng.uniform(2, 50, 40000)
    t = 3 / g * np.exp(0.3 * rng.standard_normal(40000)) + 0.7
    depth, _ = align(t, g, 'disparity_affine_invariant')
    # Two numbers from 2,048 points cost about one part in 2,048.
    slope, shift = np.polyfit(t, 1 / depth, 1)
    refined = minimize(
        lambda line: loss_of(1 / np.maximum(line[0] * t + line[1], 1e-9), g),
        [slope, shift],
        method='Nelder-Mead',
        options=dict(xatol=1e-7, fatol=1e-9),
    )
    assert loss_of(depth, g) <= 1.003 * refined.fun


def test_nothing_waits_for_the_device():
    """On torch's meta device there are no numbers, so that reading one is an error."""
    shape = 2, 3, 24, 32
    teacher = TeacherOutput(
        torch.rand(shape, device='meta'), RELATIVE[0], torch.ones(shape, dtype=bool, device='meta')
    )
    mask = torch.ones(shape, dtype=torch.bool, device='meta')
    depth, valid = align_to_lidar(teacher, DepthTarget(torch.rand(shape, device='meta'), mask, mask))
    assert depth.shape == valid.shape == shape


@pytest.mark.parametrize(
    'space, distort',
    [
        ('disparity_affine_invariant', lambda d: 40 / d - 0.7),
        ('depth_affine_invariant', lambda d: 0.1 * d + 5),
        ('depth_scale_invariant', lambda d: 0.03 * d),
        (MULTI_VIEW, lambda d: 0.03 * d),
        ('depth_metric', lambda d: d),
    ],
)
def test_recovers_metric_depth_in_every_space(scene, space, distort):
    teacher = TeacherOutput(distort(scene.depth), space, scene.teacher.valid)
    depth, valid = align_to_lidar(teacher, scene.target)
    assert valid.all()
    torch.testing.assert_close(depth, scene.depth, rtol=2e-3, atol=0)


def test_whether_there_is_a_shift_may_differ_between_views():
    """A view is fitted as if it were alone. The last has no shift: t = 2 / g fits with one and without."""
    g = torch.linspace(2, 50, 400).expand(1, 3, 1, -1)
    t = 2 / g + torch.tensor([0.3, 0.3, 0.0])[:, None, None]
    everywhere = torch.ones_like(g, dtype=torch.bool)
    teacher, target = TeacherOutput(t, RELATIVE[0], everywhere), DepthTarget(g, everywhere, everywhere)
    depth, valid = align_to_lidar(teacher, target, shift=torch.tensor([[True, False, False]]))
    assert valid.all()
    torch.testing.assert_close(depth[0, [0, 2]], g[0, [0, 2]], rtol=1e-3, atol=0)
    assert loss_of(depth[0, 1].double().numpy(), g[0, 1].double().numpy()) > 0.005
    alone, _ = align_to_lidar(teacher, target, shift=False)
    assert torch.equal(depth[0, 1:], alone[0, 1:])


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
    depth, valid = AlignedDistiller(self_align=True).metric_depth(scene.step())
    assert valid.all() and not depth.requires_grad
    torch.testing.assert_close(depth[0, 0], 1.2 * scene.depth[0, 0], rtol=2e-3, atol=0)
    torch.testing.assert_close(depth[1], scene.depth[1], rtol=2e-3, atol=0)
    _, valid = AlignedDistiller().metric_depth(scene.step())
    assert not valid[0, 0].any() and valid[1].all()


def test_a_student_that_sees_too_flat_a_world_does_not_flatten_the_teacher(scene):
    """No LiDAR; a teacher of inverse depth without a shift, a student of half the contrast and with noise."""
    scene.target.mask[:] = False
    scene.teacher = TeacherOutput(3 / scene.depth, 'disparity_affine_invariant', scene.teacher.valid)
    noise = torch.randn(scene.depth.shape, generator=torch.Generator().manual_seed(0))
    scene.student = StudentOutput((0.5 * scene.depth.log() + 1 + 0.2 * noise).exp())
    depth, valid = AlignedDistiller(self_align=True).metric_depth(scene.step())
    assert valid.all()
    ratio = depth / scene.depth
    torch.testing.assert_close(ratio, ratio.mean((-2, -1), keepdim=True).expand_as(ratio), rtol=1e-3, atol=0)


def test_without_labels_the_sky_is_as_far_as_depth_goes(scene):
    """Maps of half the size: what is interpolated is inverse depth, whose 0 is the sky."""
    scene.target.mask[:] = False
    disparity = torch.nn.functional.interpolate(3 / scene.depth, scale_factor=0.5, mode='bilinear')
    disparity[..., :2, :] = 0
    scene.teacher = TeacherOutput(
        disparity, 'disparity_affine_invariant', torch.ones_like(disparity, dtype=torch.bool)
    )
    scene.student = StudentOutput(scene.depth)
    depth, valid, _ = replace(scene.step(), max_depth=80.0).metric_depth(self_align=True, sky=True)
    assert valid.all()
    torch.testing.assert_close(depth[..., 0, :], torch.full_like(depth[..., 0, :], 80.0))
    upsampled = torch.nn.functional.interpolate(disparity, size=scene.depth.shape[-2:], mode='bilinear')
    ratio = (depth * upsampled)[..., 6:, :]
    torch.testing.assert_close(ratio, ratio.mean((-2, -1), keepdim=True).expand_as(ratio), rtol=1e-3, atol=0)


def test_without_labels_the_shape_is_learned_at_the_students_scale(scene):
    """Of a student that is 20 % too far and flat on the right half, cross-interaction KD mends the shape only."""
    scene.target.mask[:] = False
    kd = CrossInteractionKD(probabilities='aligned', self_align=True, tau=10.0, bins=BINS)
    small = torch.nn.functional.interpolate(scene.depth, size=scene.student.logits.shape[-2:], mode='bilinear')

    def loss_of(depth):
        logits = BINS.encode(depth, BINS.centers(), torch.full_like(depth, 0.35)).permute(0, 1, 4, 2, 3).log()
        full = torch.nn.functional.interpolate(depth, size=scene.depth.shape[-2:], mode='bilinear')
        scene.student = StudentOutput(full, logits, scene.student.centers)
        return kd.loss(scene.step())['loss_kd_prob'].item()

    far, flat = 1.2 * small, small.clone()
    flat[..., 4:] = small[..., 4:].mean()
    assert loss_of(far) == pytest.approx(loss_of(small), abs=0.01)
    assert loss_of(flat) > 5 * loss_of(small)


def test_distillers_of_a_step_share_what_is_aligned(scene):
    first, second, other = (AlignedDistiller(local=local) for local in (True, True, False))
    step = scene.step()
    depth = first.metric_depth(step)[0]
    assert second.metric_depth(step)[0] is depth
    assert other.metric_depth(step)[0] is not depth
    assert first.metric_depth(scene.step())[0] is not depth


def test_a_metric_teacher_is_taken_at_its_word_but_near_lidar(scene):
    scene.teacher = TeacherOutput(2 * scene.depth, 'depth_metric', torch.ones_like(scene.depth, dtype=torch.bool))
    step = scene.step()
    assert torch.equal(AlignedDistiller().metric_depth(step)[0], scene.teacher.depth)
    corrected = AlignedDistiller(local=True).metric_depth(step)[0]
    measured = scene.target.mask
    torch.testing.assert_close(corrected[measured], scene.depth[measured], rtol=0.1, atol=0)


def test_few_points_pull_towards_lidar_and_not_towards_the_student(scene):
    """A view has four LiDAR points, 30 % beyond the student's depth to which it is aligned."""
    scene.student = StudentOutput(scene.depth / 1.3)
    four = scene.target.mask[0, 0].nonzero()[:4]
    scene.target.mask[0, 0] = False
    scene.target.mask[0, 0, four[:, 0], four[:, 1]] = True
    depth = AlignedDistiller(self_align=True, local=True).metric_depth(scene.step())[0]
    near = depth[0, 0, four[:, 0], four[:, 1]] / scene.depth[0, 0, four[:, 0], four[:, 1]]
    assert (near > 0.9).all()


def rig(t, g, mask=None):
    """What :func:`align_to_lidar` makes of one frame's views t and g (N, P), whose every pixel has LiDAR but for ``mask``."""
    t, g = (torch.as_tensor(np.asarray(x), dtype=torch.float32)[None, :, None] for x in (t, g))
    everywhere = torch.ones_like(g, dtype=torch.bool)
    mask = everywhere if mask is None else torch.as_tensor(mask)[None, :, None]
    depth, valid = align_to_lidar(TeacherOutput(t, MULTI_VIEW, everywhere), DepthTarget(g, mask, everywhere))
    return depth[0, :, 0].double().numpy(), valid[0, :, 0]


def test_one_scale_for_a_rig_by_hand():
    """The views want the factors 10 and 20, eleven points the first and nine the second: r = 0.9 / 11 as in a view's fit."""
    t = np.ones((2, 20))
    mask = np.arange(20) < np.array([[11], [9]])
    depth, trusted = rig(t, np.array([[10.0], [20.0]]) * t, mask)
    assert trusted.all()
    np.testing.assert_allclose(depth, 10 * math.exp(0.9 / 11), rtol=1e-4)


def test_a_rigs_scale_is_that_of_a_general_optimiser():
    rng = np.random.default_rng(0)
    g = rng.uniform(2, 50, (3, 300))
    t = 0.04 * g * np.exp(rng.normal(0, [[0.1], [0.3], [0.6]], g.shape))
    t[2, ::3] *= 5
    depth, _ = rig(t, g)
    ratio = depth / t
    assert ratio.std() < 1e-3 * ratio.mean()
    assert loss_of(depth, g) == pytest.approx(least_loss(t.ravel(), g.ravel(), 'depth_scale_invariant'), rel=1e-4)


def test_each_view_has_the_same_say_and_no_general_optimiser_finds_less():
    """Three views with 300, 60 and 8 points: the loss is the sum of the views' means, that of the last counts by 8 / 16."""
    rng = np.random.default_rng(0)
    g = rng.uniform(2, 50, (3, 300))
    t = 0.04 * g * np.exp(rng.normal([[0.0], [0.3], [-0.4]], 0.2, g.shape))
    counts = (300, 60, 8)
    depth, _ = rig(t, g, np.arange(300) < np.array(counts)[:, None])

    def loss(factor):
        means = [loss_of(factor * t[view, :n], g[view, :n]) for view, n in enumerate(counts)]
        return means[0] + means[1] + means[2] * 8 / 16

    # The least of 20,001 factors, each 0.01 % from the next.
    factors = 25 * np.exp(np.linspace(-1, 1, 20001))
    losses = [loss(factor) for factor in factors]
    assert loss((depth / t).mean()) == pytest.approx(min(losses), rel=1e-5)
    assert (depth / t).mean() == pytest.approx(factors[np.argmin(losses)], rel=1e-3)


@pytest.mark.parametrize('few', [20, 400])
def test_a_wrong_view_with_most_of_the_lidar_does_not_rule(few):
    """Five views with some points, and one that is wrong by a factor 3 with 20 times as many: 5 r = 0.1, r = 0.02."""
    g = np.tile(np.linspace(2, 50, 20 * few), (6, 1))
    t = 0.1 * g
    t[3] *= 3
    mask = np.arange(20 * few) < np.where(np.arange(6) == 3, 20 * few, few)[:, None]
    depth, trusted = rig(t, g, mask)
    assert trusted.all()
    others = np.delete(depth / g, 3, 0)
    np.testing.assert_allclose(others, math.exp(-0.02), rtol=1e-3)
    assert abs(others - 1).max() < 0.05


def test_a_view_without_lidar_has_the_rigs_scale_and_a_wrong_view_moves_it_little():
    g = np.linspace(2, 50, 300).reshape(3, 100)
    t = 0.1 * g
    seen = np.ones_like(g, dtype=bool)
    seen[0] = False
    depth, trusted = rig(t, g, seen)
    assert trusted.all()
    np.testing.assert_allclose(depth, g, rtol=1e-3)
    t[1] *= 100  # a camera under a leaf
    depth, _ = rig(t, g)
    np.testing.assert_allclose(depth[[0, 2]], g[[0, 2]], rtol=0.06)


def test_views_of_a_rig_are_not_aligned_to_the_student_while_the_frame_has_lidar(scene):
    """Two frames: in one LiDAR is in one view alone, in the other nowhere; the student is 20 % too far."""
    scene.teacher = TeacherOutput(0.1 * scene.depth, MULTI_VIEW, scene.teacher.valid)
    scene.student = StudentOutput(1.2 * scene.depth)
    scene.target.mask[0, 1:], scene.target.mask[1] = False, False
    depth, valid = AlignedDistiller(self_align=True).metric_depth(scene.step())
    assert valid.all()
    torch.testing.assert_close(depth[0], scene.depth[0], rtol=2e-3, atol=0)
    torch.testing.assert_close(depth[1], 1.2 * scene.depth[1], rtol=2e-3, atol=0)
    _, valid = AlignedDistiller().metric_depth(scene.step())
    assert valid[0].all() and not valid[1].any()


def test_the_sky_is_no_farther_than_ground_truth_is_learned_from(scene):
    """Disparity 0, where the scene ends at 23 m: as far as is learned, at the default bound of 1000 m as at 80 m."""
    scene.teacher.depth[..., :4] = 0
    scene.target.mask[..., :4] = False
    for max_depth in (1000.0, 80.0):
        depth = replace(scene.step(), max_depth=max_depth).metric_depth()[0]
        torch.testing.assert_close(depth[..., :4], torch.full_like(depth[..., :4], max_depth))
        torch.testing.assert_close(depth[..., 4:], scene.depth[..., 4:], rtol=1e-3, atol=0)


def test_a_correction_near_lidar_goes_no_farther_than_is_learned(scene):
    """A teacher that says half of the depth is taken to LiDAR at 23 m: not behind a bound of 15 m."""
    scene.teacher = TeacherOutput(scene.depth / 2, 'depth_metric', scene.teacher.valid)
    far = replace(scene.step(), max_depth=1000.0).metric_depth(local=True)[0]
    near = replace(scene.step(), max_depth=15.0).metric_depth(local=True)[0]
    assert far.max() > 18 and near.max() == 15
    torch.testing.assert_close(near, far.clamp(max=15))


def test_the_sky_and_what_blends_with_it_is_not_learned(scene):
    """Ground truth beyond max_depth is not, either."""
    scene.teacher.depth[..., :4] = 0
    scene.target.mask[..., :4] = False
    for max_depth in (1000.0, 80.0):
        step = replace(scene.step(), max_depth=max_depth)
        _, valid, _ = step.metric_depth()
        assert not valid[..., : 4 + BLEND].any() and valid[..., 4 + BLEND :].all()
        assert step.metric_depth(sky=True)[1].all()
    # What no distiller sees cannot hurt: as if the teacher had seen nothing there.
    for distiller in (AlignedDepthKD(), AlignedDepthKD(sky=True)):
        scene.student.depth.requires_grad_()
        (gradient,) = torch.autograd.grad(sum(distiller.loss(scene.step()).values()), scene.student.depth)
        assert bool(gradient[..., : 4 + BLEND].any()) == distiller.sky


@pytest.mark.parametrize('space', POSITIVE)
def test_depth_at_another_size_is_not_pushed_away_by_the_sky(space):
    """A pixel that is half sky, half 10 m, is at 20 m."""
    teacher = TeacherOutput(
        torch.tensor([1e4, 10, 10, 10]).view(1, 1, 1, 4), space, torch.ones(1, 1, 1, 4, dtype=bool)
    )
    values, seen = _resize(teacher, (1, 2))
    torch.testing.assert_close(values.flatten(), torch.tensor([2 / 0.1001, 10.0]))
    assert seen.all()
