import pytest
import torch
import torch.nn.functional as F

from fsmde.models.distillers.maps import resize_mask


@pytest.mark.parametrize('upright', [True, False])
@pytest.mark.parametrize('edge', range(24, 34))
def test_a_valid_cell_is_made_of_valid_pixels_alone(edge, upright):
    """Road at 30 m above the car's own bonnet at 2 m, which a mask hides, on the way to a map of a quarter."""
    valid = torch.arange(64)[:, None] < torch.full((64,), edge)
    valid = (valid if upright else ~valid).expand(1, 1, 64, 64)
    depth = F.interpolate(torch.where(valid, 30.0, 2.0), size=(16, 16), mode='bilinear', align_corners=False)
    small = resize_mask(valid, (16, 16))
    assert (depth[small] == 30).all()
    assert small.sum() >= 16 * (valid[0, 0, :, 0].sum() // 4 - 1)


def test_a_mask_of_the_same_size_is_left_as_it_is():
    mask = torch.rand(2, 3, 8, 9, generator=torch.manual_seed(0)) > 0.5
    assert torch.equal(resize_mask(mask, (8, 9)), mask)
