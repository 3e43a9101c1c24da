"""timm's backbones: levels, channels and normalisation are timm's own. Skipped without timm, which is no requirement."""

import sys

import pytest
import torch
from mmdet3d.registry import MODELS

from fsmde.models import TimmBackbone


def test_without_timm_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(ModuleNotFoundError, match='pip install timm'):
        TimmBackbone('resnet18')


@pytest.fixture()
def timm():
    return pytest.importorskip('timm')


@pytest.mark.parametrize('name', ['resnet18', 'mobilenetv3_small_050', 'convnext_atto'])
def test_levels_are_those_of_timm_from_stride_4(timm, name):
    backbone = TimmBackbone(name).eval()
    levels = backbone(torch.zeros(1, 3, 64, 128))
    assert backbone.strides == [4, 8, 16, 32]
    assert [tuple(level.shape) for level in levels] == [
        (1, channels, 64 // stride, 128 // stride) for channels, stride in zip(backbone.channels, backbone.strides)
    ]
    features = backbone.net(torch.ones(1, 3, 64, 128))[-4:]
    assert all(torch.equal(*pair) for pair in zip(features, backbone(torch.ones(1, 3, 64, 128))))


def test_an_estimator_takes_its_normalisation(timm):
    """timm's `mobilenetv3_small_050` has ImageNet's, `tf_efficientnet_lite0` 0.5."""
    for name, mean in (('mobilenetv3_small_050', 0.485 * 255), ('tf_efficientnet_lite0', 127.5)):
        model = MODELS.build(
            dict(
                type='BinDepthEstimator',
                backbone=dict(type='TimmBackbone', model_name=name),
                neck=dict(type='LightPyramidNeck', channels=16),
                head=dict(type='BinDepthHead', bins=dict(num_bins=16, min_depth=0.5, max_depth=80.0)),
            )
        )
        assert model.data_preprocessor.mean.flatten()[0].item() == pytest.approx(mean)


def test_mistakes_are_named(timm):
    for name in ('resnet1800', 'hf-hub:someone/something'):
        with pytest.raises(ValueError, match='has no such model'):
            TimmBackbone(name)
    with pytest.raises(ValueError, match='maps at strides'):
        TimmBackbone('vit_tiny_patch16_224')
