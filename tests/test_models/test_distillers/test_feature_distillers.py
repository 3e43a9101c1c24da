"""Feature methods by hand: one view of a few cells, features given cell by cell."""

import math

import pytest
import torch

from fsmde.models import (
    AttentionTransferKD,
    ChannelWiseKD,
    DistillationStep,
    FitNetKD,
    MaskedGenerativeKD,
    PairwiseAffinityKD,
    PearsonFeatureKD,
    RelationalKD,
)
from fsmde.structures import DepthTarget, StudentOutput, TeacherOutput


def cells(*features):
    """(1, C, 1, T) of T lists of C numbers."""
    return torch.tensor(features, dtype=torch.float32).T[None, :, None]


def compare(kd, mine, theirs, valid=None):
    valid = torch.ones(1, 1, mine.shape[-1], dtype=torch.bool) if valid is None else torch.tensor([[valid]])
    return {key: value.item() for key, value in kd.compare(mine, theirs, valid).items()}


def identity(conv):
    torch.nn.init.dirac_(conv.weight)
    torch.nn.init.zeros_(conv.bias)


def test_fit_net():
    kd = FitNetKD(student_channels=2, teacher_channels=2)
    identity(kd.regressor)
    mine, theirs = cells([1, 2], [0, 0], [9, 9]), cells([1, 4], [3, 1], [0, 0])
    # Cells: (0 + 4) / 2 and (9 + 1) / 2, the third is hidden.
    assert compare(kd, mine, theirs, [True, True, False])['loss_kd_hint'] == pytest.approx((2 + 5) / 2 / 2)


def test_attention_transfer():
    kd = AttentionTransferKD(student_channels=2, teacher_channels=1)
    # Attention 3^2 + 0, 0 + 2^2 = 9, 4 against 1, 0 (the third hidden): 1 - 9 / sqrt(97).
    loss = compare(kd, cells([3, 0], [0, 2], [5, 5]), cells([-1], [0], [7]), [True, True, False])
    assert loss['loss_kd_attention'] == pytest.approx(1 - 9 / math.sqrt(97))


def test_channel_wise():
    kd = ChannelWiseKD(temperature=2.0, student_channels=1, teacher_channels=1)
    # Softmax over two cells: teacher 1/2, 1/2; student with logits 0 and 2: the numbers of the Hinton test.
    loss = compare(kd, cells([0], [4], [50]), cells([1], [1], [-50]), [True, True, False])
    assert loss['loss_kd_channel'] == pytest.approx(4 * (-math.log(2) - 1 + math.log(1 + math.exp(2))), rel=1e-5)
    # A constant added to a channel of either side changes nothing.
    again = compare(kd, cells([8], [12], [0]), cells([3], [3], [0]), [True, True, False])
    assert again == pytest.approx(loss)


def test_pearson():
    kd = PearsonFeatureKD(student_channels=2, teacher_channels=2)
    # The first channel is 2 t + 1: r = 1. The second: (-1, 0, 1) and (1, -2, 1) / anything: r = 0.
    mine, theirs = cells([1, 0], [3, 1], [5, 2]), cells([0, 5], [1, 2], [2, 5])
    assert compare(kd, mine, theirs)['loss_kd_pearson'] == pytest.approx((0 + 1) / 2, abs=1e-6)


def test_relational_distances_and_angles():
    kd = RelationalKD(student_channels=2, teacher_channels=2)
    # Distances 3, 4, 5, over their mean 4; the teacher's are all equal. Huber of 1/4, 0, 1/4.
    right, equal = cells([0, 0], [3, 0], [0, 4]), cells([0, 0], [1, 0], [0.5, math.sqrt(0.75)])
    loss = compare(kd, right, equal)
    assert loss['loss_kd_distance'] == pytest.approx((2 / 16 / 2) / 3, rel=1e-4)
    # At each corner j cosines of (i, k): 1 and 1 on the diagonal of both, beside it 0, 3/5 and 4/5 against 1/2.
    huber = sum(0.5 * (cosine - 0.5) ** 2 for cosine in (0, 0.6, 0.8))
    assert loss['loss_kd_angle'] == pytest.approx(2 * 2 * huber / 12, rel=1e-4)
    # Moved, turned and enlarged nothing changes.
    other = compare(kd, cells([7, 7], [7, 13], [-1, 7]), equal)
    assert other == pytest.approx(loss, rel=1e-4)


def test_pairwise_affinity():
    kd = PairwiseAffinityKD(student_channels=2, teacher_channels=3)
    # Cosine 0 between the student's two cells, 1 between the teacher's: two of four pairs differ by 1.
    loss = compare(kd, cells([2, 0], [0, 3]), cells([1, 1, 1], [4, 4, 4]))
    assert loss['loss_kd_affinity'] == pytest.approx(0.5)


def test_masked_generative():
    """G the identity: shown cells of a student that equals the teacher cost nothing, hidden ones |F_t|^2."""
    kd = MaskedGenerativeKD(mask_ratio=0.75, student_channels=1, teacher_channels=1)
    identity(kd.generator[0]), identity(kd.generator[2])
    features = torch.full((1, 1, 100, 100), 3.0)
    valid = torch.ones(1, 100, 100, dtype=torch.bool)
    torch.manual_seed(0)
    assert kd.compare(features, features, valid)['loss_kd_generative'].item() == pytest.approx(0.75 * 9, rel=0.02)
    kd.mask_ratio = 0
    assert kd.compare(features, features, valid)['loss_kd_generative'] == 0


def test_maps_of_any_size_are_averaged_to_one_grid():
    """Cells of 2 x 2: the student's mean 2.5 meets the teacher's 4; the right half of the view is hidden."""
    kd = FitNetKD(grid=(1, 2), student_channels=1, teacher_channels=1)
    identity(kd.regressor)
    student = StudentOutput(None, features=torch.tensor([[1.0, 2, 50, 50], [3, 4, 50, 50]])[None, None])
    visible = torch.ones(1, 1, 4, 8, dtype=torch.bool)
    teacher = TeacherOutput(torch.ones(1, 1, 4, 8), 'depth_metric', visible.clone(), torch.tensor([[[[4.0, 0.0]]]]))
    teacher.valid[..., 4:] = False
    target = DepthTarget(torch.zeros(1, 1, 4, 8), ~visible, visible)
    assert kd.loss(DistillationStep(student, teacher, target, None))['loss_kd_hint'].item() == pytest.approx(
        1.5**2 / 2
    )


def test_channels_that_agree_need_no_adapter():
    assert not [*ChannelWiseKD(student_channels=4, teacher_channels=4).parameters()]
    assert [*PearsonFeatureKD(student_channels=4, teacher_channels=5).parameters()]


def test_wrong_arguments():
    channels = dict(student_channels=4, teacher_channels=4)
    with pytest.raises(ValueError, match='FitNetKD: grid must be'):
        FitNetKD(grid=(0, 3), **channels)
    with pytest.raises(ValueError, match='temperature'):
        ChannelWiseKD(temperature=0, **channels)
    with pytest.raises(ValueError, match='mask_ratio'):
        MaskedGenerativeKD(mask_ratio=1.0, **channels)
    with pytest.raises(ValueError, match='angle_weight'):
        RelationalKD(angle_weight=-1, **channels)
