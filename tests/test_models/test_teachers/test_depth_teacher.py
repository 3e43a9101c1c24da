"""The frozen base of all teachers, on a network one can compute by hand."""

import copy

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from fsmde.models.teachers import DepthTeacher


class MeanTeacher(DepthTeacher):
    """Depth is the mean of the three channels; features are the channels times two."""

    def __init__(self, space='depth_metric'):
        network = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False), nn.Dropout(0.5), nn.BatchNorm2d(1, eps=0))
        nn.init.constant_(network[0].weight, 1 / 3)
        super().__init__(network, space, feature_channels=3)

    def predict(self, images, cam2img):
        views = images.flatten(0, 1).float()
        return self.network(views)[:, 0].unflatten(0, images.shape[:2]), 2 * views


@pytest.fixture
def inputs():
    images = torch.zeros(2, 3, 3, 4, 5, dtype=torch.uint8)
    images[:, :, 0] = 30
    images[1, 2, :, 0, 0] = torch.tensor([1, 2, 3])
    return images, torch.eye(3).expand(2, 3, 3, 3)


def test_answer(inputs):
    output = MeanTeacher()(*inputs)
    assert output.depth.shape == output.valid.shape == (2, 3, 4, 5)
    assert output.depth[0, 0, 0, 0].item() == pytest.approx(10)
    assert output.depth[1, 2, 0, 0].item() == pytest.approx(2)
    assert output.valid.all() and output.space == 'depth_metric'
    assert output.features.shape == (6, 3, 4, 5) and output.features[5, :, 0, 0].tolist() == [2, 4, 6]
    assert output.depth.dtype == output.features.dtype == torch.float32


def test_zero_is_far_for_disparity_and_nothing_for_depth(inputs):
    images = torch.zeros_like(inputs[0])
    assert not MeanTeacher('depth_metric')(images, inputs[1]).valid.any()
    assert MeanTeacher('disparity_affine_invariant')(images, inputs[1]).valid.all()


def test_unusable_answer_is_said_once(inputs, monkeypatch):
    messages = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', messages.append)
    teacher = MeanTeacher()
    teacher(torch.zeros_like(inputs[0]), inputs[1])
    teacher(torch.zeros_like(inputs[0]), inputs[1])
    MeanTeacher()(*inputs)
    assert len(messages) == 1 and 'Only 0% of the first answer of MeanTeacher' in messages[0]


def test_not_finite_is_invalid(inputs):
    teacher = MeanTeacher()
    nn.init.constant_(teacher.network[0].weight, float('nan'))
    output = teacher(*inputs)
    assert not output.valid.any() and (output.depth == 0).all()


def test_always_frozen(inputs):
    teacher = MeanTeacher()
    expected = teacher(*inputs).depth
    teacher.network.train()
    output = teacher(*inputs)
    torch.testing.assert_close(output.depth, expected)
    assert not output.depth.requires_grad and not any(p.requires_grad for p in teacher.network.parameters())
    assert teacher.network[2].num_batches_tracked == 0


def test_is_no_part_of_its_holder(inputs):
    holder = nn.Linear(1, 1)
    holder.teacher = MeanTeacher()
    assert set(holder.state_dict()) == {'weight', 'bias'} and len(list(holder.parameters())) == 2
    holder.train()
    assert copy.deepcopy(holder).teacher is holder.teacher


@pytest.mark.parametrize('change', ['float', 'channels', 'cameras'])
def test_wrong_input(inputs, change):
    images, cam2img = inputs
    if change == 'float':
        with pytest.raises(TypeError, match='uint8'):
            MeanTeacher()(images.float(), cam2img)
        return
    images = images[:, :, :2] if change == 'channels' else images[:, :2]
    with pytest.raises(ValueError, match='cam2img'):
        MeanTeacher()(images, cam2img)


def test_predict_is_asked_for(inputs):
    with pytest.raises(NotImplementedError, match='predict'):
        DepthTeacher(None, 'depth_metric')(*inputs)


class RigReader(DepthTeacher):
    """Depth is the camera's height over the ground, and LiDAR where there is some."""

    reads = 'cam2ego', 'lidar'

    def __init__(self):
        super().__init__(None, 'depth_metric')

    def predict(self, images, cam2img, cam2ego, lidar):
        return torch.where(lidar > 0, lidar, cam2ego[..., 2, 3][..., None, None]), None


def test_a_teacher_gets_what_it_reads_and_nothing_else(inputs):
    poses, lidar = torch.eye(4).repeat(2, 3, 1, 1), torch.zeros(2, 3, 4, 5)
    poses[..., 2, 3], lidar[1, 2, 3, 4] = 1.5, 7.0
    output = RigReader()(*inputs, cam2ego=poses, lidar=lidar)
    assert output.depth[1, 2, 3, 4] == 7 and (output.depth == 1.5).sum() == 119
    assert MeanTeacher()(*inputs, cam2ego=poses, lidar=lidar).valid.all()
    with pytest.raises(ValueError, match=r'RigReader reads lidar of shape \(2, 3, 4, 5\), found none'):
        RigReader()(*inputs, cam2ego=poses)
    with pytest.raises(ValueError, match=r'reads cam2ego of shape \(2, 3, 4, 4\), found \(3, 4, 4\)'):
        RigReader()(*inputs, cam2ego=poses[0], lidar=lidar)


def test_an_unknown_space():
    with pytest.raises(ValueError, match="MeanTeacher: space must be one of .*found 'inverse'"):
        MeanTeacher('inverse')
