import math

import pytest
import torch

from fsmde.models import BinDepthHead, RegressionDepthHead
from fsmde.structures import DepthTarget

BINS = dict(num_bins=16, min_depth=0.5, max_depth=80.0)


def intrinsics(*focal_lengths):
    cam2img = torch.eye(3).repeat(1, len(focal_lengths), 1, 1)
    cam2img[0, :, 0, 0] = torch.tensor(focal_lengths)
    return cam2img


def target_of(depth):
    return DepthTarget(depth, depth > 0, torch.ones_like(depth, dtype=torch.bool))


@pytest.mark.parametrize('head', ['bins', 'regression'])
def test_depth_is_proportional_to_the_focal_length(head):
    if head == 'bins':
        head = BinDepthHead(8, BINS, focal_reference=100.0).eval()
    else:
        head = RegressionDepthHead(8, 0.5, 80.0, focal_reference=100.0).eval()
    features = torch.randn(1, 8, 6, 10).repeat(2, 1, 1, 1)
    output = head(features, intrinsics(100.0, 250.0), (24, 40))
    assert output.depth.shape == (1, 2, 24, 40)
    torch.testing.assert_close(output.depth[0, 1], 2.5 * output.depth[0, 0])
    head.focal_reference = None
    torch.testing.assert_close(head(features, intrinsics(100.0, 250.0), (24, 40)).depth[0, 1], output.depth[0, 0])


def test_depth_is_the_decoded_distribution():
    head = BinDepthHead(8, BINS, centers='fixed', focal_reference=None).eval()
    output = head(torch.randn(6, 8, 4, 5), intrinsics(*[1.0] * 6), (4, 5))
    centers = output.centers[0, 2]
    expected = (output.logits[0, 2].softmax(0) * centers.log()[:, None, None]).sum(0).exp()
    torch.testing.assert_close(output.depth[0, 2], expected)
    torch.testing.assert_close(centers, head.bins.centers())


def test_centers_of_a_rig_are_shared_and_those_of_views_are_not():
    features = torch.randn(6, 8, 4, 5)
    for scope, shared in (('rig', True), ('view', False)):
        output = BinDepthHead(8, BINS, scope=scope, focal_reference=None)(features, intrinsics(*[1.0] * 6), (4, 5))
        assert output.centers.shape == (1, 6, 16)
        assert torch.allclose(output.centers[0, 0], output.centers[0, 3]) == shared


def test_factored_centers_by_hand():
    """A field of ln 2 on the left and 0 on the right half: centers 2 ** 0.5 too far, and the rest at each pixel."""
    head = BinDepthHead(1, BINS, centers='factored', scale_bound=math.log(2), scale_stride=4, focal_reference=None)
    features = torch.zeros(1, 1, 4, 8)
    fixed = head(features, intrinsics(1.0), (4, 8))
    assert fixed.log_scale.abs().sum() == 0 and torch.equal(fixed.centers[0, 0], head.bins.centers())
    torch.nn.init.constant_(head.log_scale.regressor.weight, 1e3)
    torch.nn.init.constant_(head.log_scale.level, 0.25)
    features[..., :4] = 1
    output = head(features, intrinsics(1.0), (4, 8))
    torch.testing.assert_close(output.centers, fixed.centers * 2**0.5 * math.exp(0.25))
    torch.testing.assert_close(output.log_scale[0, 0, :, 0], torch.full((4,), math.log(2) / 2))
    torch.testing.assert_close(output.log_scale[0, 0, :, -1], torch.full((4,), -math.log(2) / 2))
    p = output.logits.softmax(2)
    expected = head.bins.decode(p, output.centers[..., None, None], dim=2) * output.log_scale.exp()
    torch.testing.assert_close(output.depth, expected)


def test_the_field_of_factored_centers_learns_the_scale():
    """3 m on the left and 30 m on the right, a loss of 1.15 to begin with: 100 steps are enough."""
    torch.manual_seed(0)
    head = BinDepthHead(2, BINS, centers='factored', scale_stride=2, focal_reference=None)
    features = torch.zeros(1, 2, 4, 8)
    features[:, 0, :, 4:], features[:, 1, :, :4] = 1, 1
    depth = torch.where(features[:, :1] > 0, 30.0, 3.0)
    optimizer = torch.optim.Adam(head.log_scale.parameters(), lr=0.05)
    for _ in range(100):
        loss = head.loss(head(features, intrinsics(1.0), (4, 8)), target_of(depth))['loss_depth']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.4 and set(head.loss(head(features, intrinsics(1.0), (4, 8)), target_of(depth))) == {'loss_depth'}


def test_learned_centers_do_not_collapse_under_the_loss():
    """600 steps on ground truth at 1 m and 60 m leave the bins spread over the range."""
    torch.manual_seed(0)
    head = BinDepthHead(4, BINS, focal_reference=None)
    features = torch.randn(2, 4, 8, 8)
    depth = torch.where(features[:, :1] > 0, 1.0, 60.0).transpose(0, 1)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    for _ in range(600):
        output = head(features, intrinsics(1.0, 1.0), (8, 8))
        losses = head.loss(output, target_of(depth))
        optimizer.zero_grad()
        (losses['loss_depth'] + losses['loss_chamfer']).backward()
        optimizer.step()
    assert losses['loss_depth'] < 0.25
    assert 0.5 < losses['bins_spread'] < 2
    assert (output.centers[..., 1:] / output.centers[..., :-1]).amin() > 1.05
    assert not losses['bins_spread'].requires_grad


def test_losses_of_an_empty_ground_truth_are_zero_and_finite():
    head = BinDepthHead(8, BINS)
    output = head(torch.randn(6, 8, 4, 5), intrinsics(*[300.0] * 6), (8, 10))
    losses = head.loss(output, target_of(torch.zeros(1, 6, 8, 10)))
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert losses['loss_depth'] == 0 and losses['loss_chamfer'] == 0
    assert all(torch.isfinite(p.grad).all() for p in head.parameters())


def test_regression_head_spans_its_range():
    head = RegressionDepthHead(8, 0.5, 80.0, focal_reference=None).eval()
    for bias, depth in ((-50.0, 80.0), (50.0, 0.5)):
        torch.nn.init.constant_(head.regressor.bias, bias)
        output = head(torch.zeros(1, 8, 2, 2), intrinsics(1.0), (2, 2))
        assert output.logits is None and output.centers is None
        torch.testing.assert_close(output.depth, torch.full((1, 1, 2, 2), depth))


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(centers='free'), "'learned', 'fixed' or 'factored'"),
        (dict(scope='world'), "'view' or 'rig'"),
        (dict(chamfer_weight=-1.0), 'chamfer_weight'),
        (dict(centers='factored', scale_bound=0.0), 'scale_bound'),
        (dict(centers='factored', bins=dict(BINS, spacing='linear')), "spacing='log'"),
        (dict(focal_reference=0.0), 'focal_reference'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        BinDepthHead(8, **dict(dict(bins=BINS), **arguments))
