import pytest
import torch

from fsmde.models.losses import AffineInvariantLoss
from fsmde.models.losses.affine_invariant import gradient_matching, normalize


def test_normalisation_by_hand():
    # Median 3, mean absolute deviation (2 + 1 + 0 + 1 + 6) / 5 = 2; what is masked has no vote.
    values = torch.tensor([[[1.0, 2, 3, 4, 9, torch.nan]]])
    mask = torch.tensor([[[True, True, True, True, True, False]]])
    assert normalize(values, mask)[mask].tolist() == [-1, -0.5, 0, 0.5, 3]


def test_gradient_matching_by_hand():
    error = torch.tensor([[[0.0, 1, 3], [0, 1, 3], [4, 1, 3]]])
    everywhere = torch.ones_like(error, dtype=torch.bool)
    # Rows: steps 0, 0, 0, 4, 0, 0. Columns: 1, 2, 1, 2, 3, 2. At scale 1 the corners are left: rows 4, 0, columns 3, 1.
    first = 4 / 6 + 11 / 6
    assert gradient_matching(error, everywhere, 1).item() == pytest.approx(first)
    assert gradient_matching(error, everywhere, 2).item() == pytest.approx(first + 2 + 2)
    mask = everywhere.clone()
    mask[0, 2, 0] = False
    assert gradient_matching(error, mask, 1).item() == pytest.approx(0 + (1 + 2 + 1 + 2 + 2) / 5)


@pytest.fixture
def depths():
    generator = torch.Generator().manual_seed(0)
    return 1 + 9 * torch.rand(2, 3, 12, 16, generator=generator), 1 + 9 * torch.rand(2, 3, 12, 16, generator=generator)


def test_an_affine_map_of_the_inverse_of_each_image_changes_nothing(depths):
    prediction, target = depths
    mask = torch.rand(target.shape, generator=torch.Generator().manual_seed(1)) < 0.7
    loss = AffineInvariantLoss()
    scale, shift = 1 + torch.rand(2, 2, 3, 1, 1, generator=torch.Generator().manual_seed(2))
    assert loss(1 / (scale / prediction + shift), target, mask).item() == pytest.approx(
        loss(prediction, target, mask).item(), rel=1e-4
    )
    assert loss(1 / (scale / target + shift), target, mask).item() == pytest.approx(0, abs=1e-4)
    assert loss(1 / (1.2 - 1 / target), target, mask) > 1


def test_the_sky_is_farther_than_all_else(depths):
    """A sky at a distance that the loss can tell from infinity costs no more than that."""
    _, target = depths
    target[..., :4, :] = 1e4
    mask = torch.ones_like(target, dtype=torch.bool)
    assert AffineInvariantLoss()(target.clamp(max=200), target, mask) < 0.1


@pytest.mark.parametrize('case', ['perfect', 'flat', 'empty'])
def test_gradients_stay_finite(depths, case):
    target = depths[1]
    prediction = (torch.full_like(target, 5) if case == 'flat' else target.clone()).requires_grad_()
    mask = torch.full(target.shape, case != 'empty')
    if case == 'empty':
        target = torch.zeros_like(target)
    loss = AffineInvariantLoss()(prediction, target, mask)
    loss.backward()
    assert loss.isfinite() and prediction.grad.isfinite().all()
    assert (loss == 0) == (case != 'flat')


@pytest.mark.parametrize('wrong', [dict(scales=0), dict(gradient_weight=-1), dict(loss_weight=-1)])
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AffineInvariantLoss(**wrong)
