import pytest
import torch

from fsmde.bins import DepthBins


def test_edges_and_centers_by_hand():
    log = DepthBins(4, 1, 16)
    torch.testing.assert_close(log.edges(), torch.tensor([1.0, 2, 4, 8, 16]))
    torch.testing.assert_close(log.centers(), torch.tensor([1.0, 2, 4, 8]) * 2**0.5)
    linear = DepthBins(4, 1, 9, 'linear')
    torch.testing.assert_close(linear.centers(), torch.tensor([2.0, 4, 6, 8]))
    torch.testing.assert_close(linear.edges(torch.tensor([0.5, 0.25, 0.125, 0.125])), torch.tensor([1.0, 5, 7, 8, 9]))


@pytest.mark.parametrize('spacing', ['log', 'linear'])
def test_encode_then_decode_is_identity_between_the_outer_centers(spacing):
    bins = DepthBins(16, 0.5, 80, spacing)
    centers = bins.centers()
    depth = torch.linspace(centers[0].item(), centers[-1].item(), 50)
    p = bins.encode(depth, centers)
    torch.testing.assert_close(p.sum(-1), torch.ones(50))
    assert (p >= 0).all() and ((p > 0).sum(-1) <= 2).all()
    torch.testing.assert_close(bins.decode(p, centers), depth, rtol=1e-4, atol=0)
    torch.testing.assert_close(bins.encode(torch.tensor([1000.0]), centers)[0, -1], torch.tensor(1.0))


def test_one_hot_probability_is_its_center():
    bins = DepthBins(8, 1, 100)
    assert bins.decode(torch.eye(8), bins.centers()).allclose(bins.centers())


def test_log_space_decoding_is_not_biased_by_spread():
    bins = DepthBins(64, 0.5, 200)
    depth = torch.tensor([10.0])
    spread = 4 * torch.log(torch.tensor(400.0)) / 64
    p = bins.encode(depth, bins.centers(), spread)
    assert abs(bins.decode(p, bins.centers()) - 10).item() < 0.01
    assert ((p * bins.centers()).sum() - 10).item() > 0.5  # the mean of the centers themselves: 7 % too far


def test_learned_widths_keep_their_floor():
    bins = DepthBins(8, 1, 100, min_width=0.25)
    widths = bins.learned_widths(torch.tensor([100.0] + [0.0] * 7))
    torch.testing.assert_close(widths.sum(), torch.tensor(1.0))
    torch.testing.assert_close(widths[1:], torch.full((7,), 0.25 / 8))
    assert bins.edges(widths)[-1].allclose(torch.tensor(100.0))


def test_rebinning_keeps_mass():
    bins = DepthBins(4, 1, 16)
    p = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    # Two target bins meet in the middle of the third source bin (2 .. 4 .. 8 in log space: at sqrt(32)).
    new = bins.rebin(p, bins.edges(), torch.tensor([1.0, 32**0.5, 16.0]))
    torch.testing.assert_close(new, torch.tensor([[0.1 + 0.2 + 0.15, 0.15 + 0.4]]))
    identity = bins.rebin(p, bins.edges(), bins.edges())
    torch.testing.assert_close(identity, p)
    narrow = bins.rebin(p, bins.edges(), torch.tensor([4.0, 5.0, 6.0]))
    torch.testing.assert_close(narrow.sum(), torch.tensor(1.0))
    # Edges of each row its own, on both sides.
    pair = bins.rebin(p.expand(2, 4), bins.edges().expand(2, 5), torch.tensor([[1.0, 2, 16], [1.0, 4, 16]]))
    torch.testing.assert_close(pair, torch.tensor([[0.1, 0.9], [0.3, 0.7]]))


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(num_bins=1), 'num_bins'),
        (dict(min_depth=10, max_depth=5), 'min_depth < max_depth'),
        (dict(min_depth=0), 'min_depth'),
        (dict(spacing='cubic'), 'spacing'),
        (dict(min_width=2), 'min_width'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        DepthBins(**arguments)
