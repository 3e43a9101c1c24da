"""A trained estimator of this project as a teacher."""

import copy

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from fsmde.models.teachers import EstimatorTeacher

STUDENT = dict(
    type='BinDepthEstimator',
    backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        base_channels=8,
        num_stages=2,
        out_indices=(0, 1),
        strides=(1, 2),
        dilations=(1, 1),
        norm_cfg=dict(type='BN'),
    ),
    neck=dict(type='LightPyramidNeck', channels=8),
    head=dict(type='BinDepthHead', bins=dict(num_bins=8), scope='rig'),
)


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


@pytest.fixture
def inputs():
    images = torch.randint(0, 256, (2, 3, 3, 64, 96), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    return images, torch.tensor([[60.0, 0, 48], [0, 60, 32], [0, 0, 1]]).expand(2, 3, 3, 3)


@pytest.fixture
def trained(tmp_path):
    """A config file, its checkpoint and the student they are of."""
    torch.manual_seed(0)
    student = MODELS.build(copy.deepcopy(STUDENT)).eval()
    Config(dict(model=STUDENT)).dump(tmp_path / 'config.py')
    torch.save(dict(state_dict=student.state_dict(), meta={}), tmp_path / 'epoch_1.pth')
    return str(tmp_path / 'config.py'), str(tmp_path / 'epoch_1.pth'), student


@torch.no_grad()
def test_answers_as_the_student_does(trained, inputs):
    config, checkpoint, student = trained
    teacher = EstimatorTeacher(config, checkpoint)
    output = teacher(*inputs)
    expected = student.extract(student.data_preprocessor.normalize(inputs[0]), inputs[1])
    torch.testing.assert_close(output.depth, expected.depth)
    torch.testing.assert_close(output.features, expected.features)
    assert output.space == 'depth_metric' and output.valid.all() and teacher.feature_channels == 8


@torch.no_grad()
def test_a_disparity_teacher_answers_with_the_inverse(trained, inputs):
    config, checkpoint, student = trained
    output = EstimatorTeacher(config, checkpoint, space='disparity_affine_invariant')(*inputs)
    expected = student.extract(student.data_preprocessor.normalize(inputs[0]), inputs[1])
    torch.testing.assert_close(output.depth, 1 / expected.depth)
    assert output.space == 'disparity_affine_invariant'


def test_frozen_and_without_traces(trained, inputs):
    config, checkpoint, _ = trained
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    teacher = EstimatorTeacher(Config.fromfile(config), checkpoint)
    assert torch.equal(torch.rand(2), expected)
    before = {key: value.clone() for key, value in teacher.network.state_dict().items()}
    teacher.network.train()
    teacher(*inputs)
    assert all(torch.equal(value, before[key]) for key, value in teacher.network.state_dict().items())


def test_a_distilled_estimator_teaches_as_the_plain_one(trained, inputs):
    _, checkpoint, student = trained
    distilled = dict(
        STUDENT, type='DistilledDepthEstimator', teacher=dict(type='NotBuilt'), distillers=[dict(type='Nor')]
    )
    state = torch.load(checkpoint, weights_only=True)
    state['state_dict']['distillers.0.adapter.weight'] = torch.zeros(1)
    torch.save(state, checkpoint)
    output = EstimatorTeacher(Config(dict(model=distilled)), checkpoint)(*inputs)
    expected = EstimatorTeacher(Config(dict(model=STUDENT)), checkpoint)(*inputs)
    assert torch.equal(output.depth, expected.depth)


def test_absent_files(trained, tmp_path):
    config, checkpoint, _ = trained
    with pytest.raises(FileNotFoundError, match='nothing.py'):
        EstimatorTeacher(str(tmp_path / 'nothing.py'), checkpoint)
    with pytest.raises(FileNotFoundError, match='nothing.pth'):
        EstimatorTeacher(config, str(tmp_path / 'nothing.pth'))


def test_what_does_not_fit(trained):
    config, checkpoint, _ = trained
    with pytest.raises(ValueError, match='no model'):
        EstimatorTeacher(Config(dict(lr=1)), checkpoint)
    wider = Config.fromfile(config)
    wider.model.neck.channels = 16
    with pytest.raises(ValueError, match='of another architecture'):
        EstimatorTeacher(wider, checkpoint)
