import math

import pytest
import torch

from fsmde.models.distillers.residual_field import WINDOWS, correct_locally

SHAPE = (1, 1, 32, 48)


def test_one_point_moves_what_is_near_in_the_image_and_in_depth():
    """A teacher sees a wall at 10 m on the left, at 40 m on the right; LiDAR has one point on the left wall, 20 % on."""
    depth = torch.full(SHAPE, 10.0)
    depth[..., 24:] = 40
    mask = torch.zeros(SHAPE, dtype=torch.bool)
    mask[..., 16, 22] = True
    corrected, spread = correct_locally(depth, torch.full(SHAPE, 12.0), mask, torch.zeros_like(mask))
    # Four grids leave 1 / (1 + n / 0.3) each of what they find, n > 1 / 8 next to the point; cells are interpolated.
    assert corrected[0, 0, 16, 22].item() == pytest.approx(12, rel=0.04)
    # But for half a cell, over which the field is interpolated.
    torch.testing.assert_close(corrected[..., 26:], depth[..., 26:])
    assert corrected[0, 0, 0, 0] == 10 and corrected[0, 0, 16, 12] < corrected[0, 0, 16, 22]


def test_the_spread_of_a_view():
    """Residuals are ln 2 on one half and ln 8 on the other, nine times its square."""
    depth, measured = torch.ones(SHAPE), torch.ones(SHAPE)
    measured[..., :24], measured[..., 24:] = 2, 8
    nowhere, everywhere = torch.zeros(SHAPE, dtype=torch.bool), torch.ones(SHAPE, dtype=torch.bool)
    corrected, spread = correct_locally(depth, measured, nowhere, everywhere)
    torch.testing.assert_close(corrected, depth)
    torch.testing.assert_close(spread, torch.full(SHAPE, math.sqrt(5) * math.log(2)))


def test_dense_measurements_are_taken_over_and_leave_no_spread():
    depth = torch.full(SHAPE, 5.0)
    measured = 5 * torch.linspace(0, 1, SHAPE[-1]).expand(SHAPE).exp()
    corrected, spread = correct_locally(depth, measured, torch.ones(SHAPE, dtype=torch.bool))
    torch.testing.assert_close(corrected, measured, rtol=0.05, atol=0)
    assert spread.max() < 0.05


def test_without_points_nothing_changes():
    depth = 1 + torch.rand(SHAPE)
    corrected, spread = correct_locally(depth, torch.zeros(SHAPE), torch.zeros(SHAPE, dtype=torch.bool))
    torch.testing.assert_close(corrected, depth)
    torch.testing.assert_close(spread, torch.full(SHAPE, 0.3))


@pytest.mark.parametrize('windows', [(), WINDOWS])
def test_a_view_without_points_is_not_trusted_more_than_the_others(windows):
    depth = torch.full((2, 2, 32, 48), 10.0)
    measured = depth * torch.tensor([1.2, 1 / 1.2]).repeat(24)
    mask = torch.ones(depth.shape, dtype=torch.bool)
    mask[:, 1] = False
    _, spread = correct_locally(depth, measured, torch.zeros_like(mask), mask, windows)
    torch.testing.assert_close(spread, torch.full(depth.shape, math.log(1.2)))
