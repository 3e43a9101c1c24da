import pytest
import torch
from toy_scene import BINS

from fsmde.models import DISTKD
from fsmde.models.distillers.correlation import pearson


def test_pearson_by_hand():
    x, y = torch.tensor([1.0, 2, 3, 100]), torch.tensor([1.0, 3, 2, -100])
    mask = torch.tensor([True, True, True, False])
    assert pearson(x, y, mask).item() == pytest.approx(0.5)
    assert pearson(x, 5 * x - 2, mask).item() == pytest.approx(1)
    constant = torch.ones(4, requires_grad=True)
    r = pearson(x, constant, mask)
    r.backward()
    assert r == 0 and (constant.grad == 0).all()


def test_relations_by_hand():
    """Two pixels, three bins. Pixel 1: p = 1/2 1/4 1/4 against 1 0 0 agrees up to scale and shift, r = 1. Pixel 2: the
    student 1/4 1/2 1/4 against 0 0 1: r = -1/2.
    """
    student = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]).T.view(1, 1, 3, 1, 2)
    goal = torch.tensor([[1.0, 0, 0], [0, 0, 1]]).T.view(1, 1, 3, 1, 2)
    kd = DISTKD(bins=BINS, gamma=3.0, temperature=2.0)
    valid = torch.ones(1, 1, 1, 2, dtype=torch.bool)
    losses = kd.compare(student.log(), goal, valid)
    assert losses['loss_kd_inter'].item() == pytest.approx(4 * (0 + 1.5) / 2, rel=1e-5)
    # Over the pixels: bin 1 falls with the teacher's, r = 1; the others are constant on one side, r = 0.
    assert losses['loss_kd_intra'].item() == pytest.approx(4 * 3 * (0 + 1 + 1) / 3, rel=1e-5)


def test_wrong_arguments():
    with pytest.raises(ValueError, match='beta and gamma'):
        DISTKD(bins=BINS, beta=-1.0)
