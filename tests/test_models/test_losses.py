import math

import pytest
import torch

from fsmde.models.losses import ScaleInvariantLoss, SILogLoss, chamfer_1d, masked_mean, silog
from fsmde.models.losses.ssim import ssim


def test_masked_mean_ignores_what_is_masked_even_if_it_is_not_finite():
    values = torch.tensor([1.0, 3.0, torch.nan, torch.inf])
    assert masked_mean(values, torch.tensor([True, True, False, False])) == 2
    assert masked_mean(values[:2], torch.tensor([3.0, 1.0])) == 1.5
    assert masked_mean(values, torch.zeros(4)) == 0


def test_silog_by_hand():
    # e = (ln 2, 0): mean square = ln2^2 / 2, mean = ln2 / 2.
    prediction, target = torch.tensor([2.0, 5.0, 9.0]), torch.tensor([1.0, 5.0, 0.0])
    shape = (1, 1, 1, 3)
    mask = torch.tensor([True, True, False]).view(shape)
    value = silog(prediction.view(shape), target.view(shape), mask, variance_focus=0.85, eps=1e-12)
    assert value.item() == pytest.approx(math.sqrt(math.log(2) ** 2 / 2 - 0.85 * math.log(2) ** 2 / 4), rel=1e-4)


def test_silog_of_a_scaled_prediction_is_zero_only_with_full_variance_focus():
    target = torch.rand(2, 3, 4, 5) + 1
    mask = torch.ones_like(target, dtype=torch.bool)
    assert silog(3 * target, target, mask, variance_focus=1.0).item() == pytest.approx(0, abs=1e-3)
    assert silog(3 * target, target, mask, variance_focus=0.0).item() == pytest.approx(math.log(3), rel=1e-2)


@pytest.mark.parametrize('case', ['perfect', 'empty'])
def test_silog_gradients_stay_finite(case):
    target = torch.full((1, 2, 3, 3), 4.0)
    prediction = target.clone().requires_grad_()
    mask = torch.full(target.shape, case == 'perfect')
    loss = SILogLoss()(prediction, target, mask)
    loss.backward()
    assert loss == 0 and (prediction.grad == 0).all()


def test_silog_averages_frames_not_pixels():
    """A frame with one valid pixel counts as much as one with a hundred."""
    target = torch.ones(2, 1, 10, 10)
    prediction = target.clone()
    prediction[0] = 2
    mask = torch.ones_like(target, dtype=torch.bool)
    mask[0] = False
    mask[0, 0, 0, 0] = True
    value = silog(prediction, target, mask, variance_focus=0.0, eps=1e-12)
    assert value.item() == pytest.approx(math.log(2) / 2, rel=1e-4)


def test_chamfer_by_hand():
    centers = torch.tensor([[0.0, 10.0]])
    values = torch.tensor([[1.0, 2.0, 12.0, 99.0]])
    mask = torch.tensor([[True, True, True, False]])
    # Values to centers: (1 + 2 + 2) / 3; centers to values: (1 + 2) / 2.
    assert chamfer_1d(centers, values, mask).item() == pytest.approx(5 / 3 + 1.5)


def test_chamfer_agrees_with_all_pairs():
    generator = torch.Generator().manual_seed(0)
    centers = torch.rand(4, 16, generator=generator).sort(1).values.requires_grad_()
    values = torch.rand(4, 200, generator=generator)
    mask = torch.rand(4, 200, generator=generator) > 0.5
    expected = 0
    for c, v, m in zip(centers, values, mask):
        distance = (v[m][:, None] - c).abs()
        expected = expected + (distance.amin(1).mean() + distance.amin(0).mean()) / 4
    value = chamfer_1d(centers, values, mask)
    torch.testing.assert_close(value, expected)
    (gradient,) = torch.autograd.grad(value, centers, retain_graph=True)
    (slow,) = torch.autograd.grad(expected, centers)
    torch.testing.assert_close(gradient, slow)


def test_chamfer_without_values_is_zero_with_zero_gradients():
    centers = torch.rand(2, 8).sort(1).values.requires_grad_()
    loss = chamfer_1d(centers, torch.rand(2, 5), torch.zeros(2, 5, dtype=torch.bool))
    loss.backward()
    assert loss == 0 and (centers.grad == 0).all()


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match='loss_weight'):
        SILogLoss(loss_weight=-1)


def test_ssim_by_hand():
    """In a window of 3 with sigma inf: x = 0 0 3 around the middle, y = 0 3 0."""
    x, y = torch.tensor([[[0.0, 0.0, 3.0]]]), torch.tensor([[[0.0, 3.0, 0.0]]])
    # Means 1, variances 3 - 1 = 2, covariance 0 - 1 = -1.
    expected = (-2 + 0.0009) / (4 + 0.0009)
    assert ssim(x, y, window=3, sigma=1e6)[0, 0, 1].item() == pytest.approx(expected, rel=1e-4)
    torch.testing.assert_close(ssim(x, x), torch.ones_like(x))
    # Another level alone: (2 a b + C1) / (a^2 + b^2 + C1).
    one = torch.ones(1, 20, 20)
    assert ssim(one, 3 * one)[0, 5, 5].item() == pytest.approx(6 / 10, rel=1e-4)


@pytest.mark.parametrize('shape', ['flat', 'ramp', 'noise'])
def test_ssim_of_far_depth_is_no_rounding(shape):
    """200 m squared is 40,000, whose last digit in single precision is four times C2."""
    added = dict(
        flat=torch.zeros(24, 32),
        ramp=torch.linspace(0, 1, 32).expand(24, 32),
        noise=0.05 * torch.rand(24, 32, generator=torch.Generator().manual_seed(0)),
    )
    x = (200 + added[shape])[None]
    torch.testing.assert_close(ssim(x, x), torch.ones_like(x))
    # What is 1 m farther everywhere has the same structure: (2 a b + C1) / (a^2 + b^2 + C1) is nearly 1.
    torch.testing.assert_close(ssim(x, x + 1), torch.ones_like(x), rtol=0, atol=1e-3)


HIDDEN = pytest.mark.parametrize('value', [math.nan, math.inf, 1e30, -1e30, 0.0])


@HIDDEN
@pytest.mark.parametrize('loss', [SILogLoss(), ScaleInvariantLoss()], ids=lambda loss: type(loss).__name__)
def test_what_is_hidden_is_hidden_from_losses_and_gradients(loss, value):
    """Whatever stands outside the mask, on either side: loss and gradient are those with a harmless 1 there."""

    def outcome(value):
        generator = torch.Generator().manual_seed(0)
        prediction, target = (1 + torch.rand(2, 2, 6, 8, generator=generator) for _ in range(2))
        mask = torch.rand(prediction.shape, generator=generator) > 0.5
        prediction, target = (torch.where(mask, x, value) for x in (prediction, target))
        prediction.requires_grad_()
        result = loss(prediction, target, mask)
        (gradient,) = torch.autograd.grad(result, prediction)
        assert result > 0 and (gradient[~mask] == 0).all()
        return result, gradient

    for found, expected in zip(outcome(value), outcome(1.0)):
        assert torch.equal(found, expected)


@HIDDEN
def test_hidden_values_move_no_bin_center(value):
    def outcome(value):
        centers = torch.tensor([[0.0, 10.0]], requires_grad=True)
        result = chamfer_1d(centers, torch.tensor([[1.0, 2.0, value]]), torch.tensor([[True, True, False]]))
        return result, *torch.autograd.grad(result, centers)

    for found, expected in zip(outcome(value), outcome(1.0)):
        assert torch.equal(found, expected)


@HIDDEN
def test_windows_of_ssim_are_of_what_is_seen(value):
    """A map that is hidden in its right half is as similar as its left half alone, with borders of its own."""
    x, y = torch.rand(2, 1, 12, 16)
    mask = (torch.arange(16) < 8).expand(1, 12, 16)
    x, y = (torch.where(mask, side, value).requires_grad_() for side in (x, y))
    seen = ssim(x, y, mask=mask)
    gradients = torch.autograd.grad(seen[mask].sum(), (x, y))
    assert all(g.isfinite().all() and (g[~mask] == 0).all() for g in gradients)
    # Three pixels from what is hidden a window of seven does not reach it.
    small = ssim(x[..., :8], y[..., :8], window=7)
    torch.testing.assert_close(ssim(x, y, window=7, mask=mask)[..., :5], small[..., :5])
