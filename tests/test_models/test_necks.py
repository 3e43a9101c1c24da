import torch
import torch.nn.functional as F

from fsmde.models import LightPyramidNeck


def test_finest_level_left_to_the_head():
    """Two 1x1 projections and the coarse level's 3x3 remain; the finest sum is only rectified."""
    neck = LightPyramidNeck([3, 5], channels=4, smooth_finest=False).eval()
    assert sum(p.numel() for p in neck.parameters()) == (3 * 4 + 5 * 4 + 9 * 4 * 4) + 3 * 2 * 4
    full = LightPyramidNeck([3, 5], channels=4)
    assert sum(p.numel() for p in full.parameters()) == (3 * 4 + 5 * 4 + 2 * 9 * 4 * 4) + 4 * 2 * 4
    fine, coarse = torch.randn(1, 3, 7, 10), torch.randn(1, 5, 4, 5)
    merged = neck.smooth[1](neck.lateral[1](coarse))
    enlarged = F.interpolate(merged, size=(7, 10))
    torch.testing.assert_close(neck([fine, coarse]), (neck.lateral[0](fine) + enlarged).relu())
