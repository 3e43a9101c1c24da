"""``init_cfg=dict(type='Pretrained', ...)`` loads the weights of this network or none."""

from pathlib import Path

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.model import PretrainedInit

ROOT = Path(__file__).parents[2]


def resnet(depth, base_channels=4, **init_cfg):
    init_cfg = init_cfg and dict(dict(type='Pretrained'), **init_cfg)
    return MODELS.build(dict(type='mmdet.ResNet', depth=depth, base_channels=base_channels, init_cfg=init_cfg or None))


@pytest.fixture
def weights(tmp_path):
    """A ResNet-18 as torchvision writes it: with a classifier, and without counted batches."""
    state = resnet(18).state_dict()
    state = {name: torch.rand_like(value) for name, value in state.items() if value.is_floating_point()}
    torch.save(dict(state, **{'fc.weight': torch.zeros(9, 32), 'fc.bias': torch.zeros(9)}), tmp_path / 'resnet18.pth')
    return str(tmp_path / 'resnet18.pth')


@pytest.mark.parametrize('kind', ['Pretrained', PretrainedInit])
def test_its_own_weights_are_loaded_a_classifier_is_left(weights, kind):
    net = resnet(18, type=kind, checkpoint=weights)
    net.init_weights()
    file, own = torch.load(weights, weights_only=True), net.state_dict()
    assert all(torch.equal(own[name], value) for name, value in file.items() if not name.startswith('fc.'))


def test_a_few_tensors_of_a_backbone_may_be_missing(weights):
    """As the offsets of deformable convolutions are, which cannot be built everywhere."""
    file = torch.load(weights, weights_only=True)
    torch.save({name: value for name, value in file.items() if not name.startswith('bn1.')}, weights)
    net = resnet(18, checkpoint=weights)
    net.init_weights()
    assert torch.equal(net.conv1.weight, file['conv1.weight']) and bool((net.bn1.weight == 1).all())


@pytest.mark.parametrize('kind', ['Pretrained', PretrainedInit])
def test_weights_of_a_shallower_network_are_refused(weights, kind):
    """All that is in the file fits: a ResNet-34 of it would be random from the third block of each stage on."""
    # Eight blocks more, of two convolutions and two BatchNorms with four counted tensors each.
    with pytest.raises(
        ValueError, match=r'init_cfg of ResNet: .*resnet18.pth .* 80 of 180 tensors .* has conv1.weight'
    ):
        resnet(34, type=kind, checkpoint=weights).init_weights()


def test_weights_of_another_width_are_refused(weights):
    with pytest.raises(ValueError, match=r'init_cfg of ResNet: .*resnet18.pth .*size mismatch for conv1.weight'):
        resnet(18, base_channels=8, checkpoint=weights).init_weights()


def test_a_forgotten_and_a_wrong_prefix_are_refused(tmp_path):
    net = resnet(18)
    torch.save(dict(state_dict={f'backbone.{k}': v for k, v in net.state_dict().items()}), tmp_path / 'student.pth')
    path = str(tmp_path / 'student.pth')
    for prefix in (None, 'img_backbone.'):
        with pytest.raises(ValueError, match=r'student.pth.* 100 of 100 .*the file has backbone.conv1.weight'):
            resnet(18, checkpoint=path, prefix=prefix).init_weights()
    for prefix in ('backbone', 'backbone.'):
        loaded = resnet(18, checkpoint=path, prefix=prefix)
        loaded.init_weights()
        assert all(torch.equal(loaded.state_dict()[name], value) for name, value in net.state_dict().items())


def test_a_student_of_another_config_in_a_detector_is_refused(tmp_path):
    """What happened: of the 276 tensors of a ResNet-34 student 11 came from an EfficientNet-Lite0's checkpoint."""
    cfg = Config.fromfile(ROOT / 'configs/fsmde_sup_nuscenes.py').model
    cfg.backbone.init_cfg = None
    other = MODELS.build(cfg)
    torch.save(dict(state_dict=other.state_dict(), meta={}), tmp_path / 'lite0.pth')
    student = Config.fromfile(ROOT / 'configs/bev/bevdepth_r34_nus.py').model.student
    student.backbone.init_cfg = None
    student.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'lite0.pth'))
    with pytest.raises(ValueError, match=r'init_cfg of BinDepthEstimator: .*lite0.pth .* other shapes, such as size'):
        MODELS.build(student).init_weights()


def small_student(head, **kwargs):
    backbone, neck = dict(type='mmdet.ResNet', depth=18, base_channels=4), dict(type='LightPyramidNeck', channels=8)
    return dict(type='BinDepthEstimator', backbone=backbone, neck=neck, head=head, **kwargs)


BINS = dict(type='BinDepthHead', bins=dict(num_bins=8, min_depth=0.5, max_depth=80.0))


def test_a_student_with_another_head_is_refused(tmp_path):
    """A few tensors of many, and all of the depth: `load_from` takes the rest, where that is meant."""
    other = MODELS.build(small_student(dict(type='RegressionDepthHead', min_depth=0.5, max_depth=80.0)))
    torch.save(dict(state_dict=other.state_dict()), tmp_path / 'other.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'other.pth'))
    with pytest.raises(ValueError, match=r'other.pth holds weights of another network, .* missing, such as head\.'):
        MODELS.build(small_student(BINS, init_cfg=init_cfg)).init_weights()


def test_a_distilled_student_starts_from_a_plain_one(tmp_path):
    student = dict(
        small_student(BINS),
        type='DistilledDepthEstimator',
        teacher=dict(type='HuggingFaceDepthTeacher', model='random-tiny'),
        distillers=[dict(type='FitNetKD'), dict(type='CrossInteractionKD', probabilities='branch')],
    )
    net = MODELS.build(student)
    plain = {name: value for name, value in net.state_dict().items() if not name.startswith('distillers.')}
    assert len(plain) < len(net.state_dict())
    torch.save(dict(state_dict=plain), tmp_path / 'plain.pth')
    loaded = MODELS.build(dict(student, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'plain.pth'))))
    loaded.init_weights()
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in plain.items())
