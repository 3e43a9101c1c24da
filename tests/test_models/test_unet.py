"""The classic baseline: a ResNet with its stem's map, monodepth2's decoder, a disparity at the image's size."""

import pytest
import torch
from mmdet.models.backbones import ResNet

from fsmde.models import RegressionDepthHead, StemResNet, UNetNeck

LEVELS = (64, 64, 128, 256, 512)


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_the_stem_comes_first_and_the_rest_is_mmdets():
    plain, backbone = ResNet(18), StemResNet(18)
    for network in (plain, backbone):
        network.eval()
    backbone.load_state_dict(plain.state_dict())
    image = torch.randn(1, 3, 64, 96)
    levels = backbone(image)
    assert [level.shape[1:] for level in levels] == [(c, 32 >> i, 48 >> i) for i, c in enumerate(LEVELS)]
    assert levels[0].min() == 0
    for level, expected in zip(levels[1:], plain(image)):
        torch.testing.assert_close(level, expected)
    assert len(StemResNet(18, out_indices=(1, 3))(image)) == 3


def test_the_decoder_has_monodepth2s_parameters():
    """Its decoder has 3,152,724; the disparities at the three coarser scales, 9 C + 1 each, are not in ours."""
    neck = UNetNeck(LEVELS)
    head = RegressionDepthHead(neck.out_channels, channels=0)
    pairs = [
        (512, 256),
        (512, 256),
        (256, 128),
        (256, 128),
        (128, 64),
        (128, 64),
        (64, 32),
        (96, 32),
        (32, 16),
        (16, 16),
    ]
    assert count(neck) == sum(9 * a * b + b for a, b in pairs) == 3_150_560
    assert count(head) == 9 * 16 + 1
    assert count(neck) + count(head) + sum(9 * c + 1 for c in (32, 64, 128)) == 3_152_724


def test_borders_are_reflected():
    """What is the same everywhere stays so, which borders of zeros would not leave."""
    neck = UNetNeck([3, 4, 5], channels=(4, 6, 8))
    levels = [torch.randn(1, c, 1, 1).expand(1, c, 24 >> i, 40 >> i) for i, c in enumerate((3, 4, 5))]
    result = neck(levels)
    assert result.shape == (1, 4, 48, 80)
    torch.testing.assert_close(result, result[..., :1, :1].expand_as(result))


def test_odd_sizes():
    neck = UNetNeck([3, 4], channels=(4, 6))
    assert neck([torch.randn(1, 3, 7, 9), torch.randn(1, 4, 4, 5)]).shape == (1, 4, 14, 18)


def test_depth_comes_at_the_size_of_the_image():
    head = RegressionDepthHead(16, 0.5, 80.0, channels=0, focal_reference=None).eval()
    torch.nn.init.zeros_(head.regressor.weight)
    torch.nn.init.constant_(head.regressor.bias, 50.0)
    output = head(torch.randn(2, 16, 8, 12), torch.eye(3).expand(1, 2, 3, 3), (8, 12))
    torch.testing.assert_close(output.depth, torch.full((1, 2, 8, 12), 0.5))
    same = torch.rand(1, 2, 8, 12)
    assert head.to_input_size(same, (8, 12)) is same


def test_levels_must_match():
    with pytest.raises(ValueError, match='each of the 4 levels'):
        UNetNeck([64, 128, 256, 512])
