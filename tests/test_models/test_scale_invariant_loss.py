import math

import pytest
import torch

from fsmde.models.losses import ScaleInvariantLoss
from fsmde.models.losses.scale_invariant import gradient_matching

SHAPE = (1, 1, 1, 4)


def test_by_hand():
    # ln p / g = 0, 0, ln 4 and one that is masked: the median is 0, the mean ln 4 / 3; steps 0 and ln 4 at scale 0.
    prediction, target = torch.tensor([1.0, 5, 8, 7]).view(SHAPE), torch.tensor([1.0, 5, 2, 0]).view(SHAPE)
    loss = lambda **kwargs: ScaleInvariantLoss(**kwargs)(prediction, target, target > 0).item()
    assert loss(gradient_weight=0) == pytest.approx(math.log(4) / 3)
    assert loss(gradient_weight=0.5, scales=1) == pytest.approx(math.log(4) / 3 + 0.5 * math.log(4) / 2)
    # At scale 1 columns 0 and 2 are left.
    assert loss(scales=2, loss_weight=2) == pytest.approx(
        2 * (math.log(4) / 3 + 0.5 * (math.log(4) / 2 + math.log(4)))
    )


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


def test_each_image_has_its_own_scale():
    target = 1 + 9 * torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor([[0.1, 1, 2], [3, 4, 50]])[..., None, None]
    mask = target < 8
    assert ScaleInvariantLoss()(scale * target, target, mask).item() == pytest.approx(0, abs=1e-5)
    assert ScaleInvariantLoss()(target + 1, target, mask) > 0.05


@pytest.mark.parametrize('valid', [True, False])
def test_gradients_stay_finite(valid):
    target = torch.full((2, 1, 3, 3), 4.0 if valid else 0.0)
    prediction = torch.full((2, 1, 3, 3), 4.0, requires_grad=True)
    loss = ScaleInvariantLoss()(prediction, target, target > 0)
    loss.backward()
    assert loss == 0 and prediction.grad.isfinite().all()


@pytest.mark.parametrize('wrong', [dict(scales=0), dict(gradient_weight=-1), dict(loss_weight=-1)])
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ScaleInvariantLoss(**wrong)
