"""A student with factored centers is exported like any other, but for its bins."""

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS

from fsmde.deployment import DeployableEstimator, OnnxSession, export_onnx

pytest.importorskip('onnx')


@pytest.fixture(scope='module')
def student():
    torch.manual_seed(0)
    head = dict(
        type='BinDepthHead', centers='factored', bins=dict(num_bins=8, min_depth=0.5, max_depth=80.0), scale_stride=5
    )
    backbone = dict(
        type='mmdet.ResNet', depth=18, base_channels=8, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,)
    )
    neck = dict(type='LightPyramidNeck', channels=8)
    model = MODELS.build(dict(type='BinDepthEstimator', backbone=backbone, neck=neck, head=head))
    torch.nn.init.normal_(model.head.log_scale.regressor.weight)
    return model.eval()


def test_the_graph_says_what_torch_says(student, tmp_path):
    export_onnx(DeployableEstimator(student), tmp_path / 'student.onnx', (48, 64))
    images = np.random.default_rng(0).integers(0, 256, (1, 2, 48, 64, 3), dtype=np.uint8)
    fx = np.full((1, 2), 40, np.float32)
    [depth] = OnnxSession(tmp_path / 'student.onnx', threads=1)(images, fx)
    with torch.no_grad():
        views = student.data_preprocessor.normalize(torch.from_numpy(images).permute(0, 1, 4, 2, 3))
        output = student.extract(views, torch.from_numpy(fx)[..., None, None].expand(1, 2, 3, 3))
    assert output.log_scale.std() > 0.01
    np.testing.assert_allclose(depth, output.depth.numpy(), rtol=1e-4)


def test_bins_that_differ_from_pixel_to_pixel_cannot_be_returned(student):
    with pytest.raises(ValueError, match='factored centers'):
        DeployableEstimator(student, with_bins=True)
