"""Official Depth-Anything-V2 files: equal outputs, nothing lost, and no file taken for what it is not."""

import copy
import os

import pytest
import torch
from official_depth_anything import DepthAnythingV2

from fsmde.models.teachers import HuggingFaceDepthTeacher
from fsmde.models.teachers.convert_depth_anything import convert_state_dict, infer_config

MEAN, STD = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]


@pytest.fixture(scope='module')
def official():
    return DepthAnythingV2().eval()


@pytest.fixture
def images():
    return torch.randint(0, 256, (1, 2, 3, 56, 56), generator=torch.Generator().manual_seed(1)).to(torch.uint8)


CAM2IMG = torch.eye(3).expand(1, 2, 3, 3)


def save(official, path):
    torch.save(official.state_dict(), path)
    return str(path)


@torch.no_grad()
def test_relative_model_gives_equal_outputs(official, images, tmp_path):
    teacher = HuggingFaceDepthTeacher(save(official, tmp_path / 'depth_anything_v2_vits.pth'))
    output = teacher(images, CAM2IMG)
    features, logits = official((images[0] / 255 - MEAN) / STD)
    assert logits.std() > 0.1 and 0.1 < (logits > 0).float().mean() < 1
    torch.testing.assert_close(output.depth[0], logits.relu(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(output.features, features, atol=1e-4, rtol=1e-4)
    assert output.space == 'disparity_affine_invariant' and teacher.feature_channels == 16


@pytest.mark.parametrize('size', [(42, 70), (70, 42), (84, 98), (56, 84)])
@torch.no_grad()
def test_equal_outputs_at_other_sizes_than_its_own(official, tmp_path, size):
    images = torch.randint(0, 256, (1, 2, 3, *size), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    teacher = HuggingFaceDepthTeacher(save(official, tmp_path / 'depth_anything_v2_vits.pth'))
    output = copy.deepcopy(teacher)(images, CAM2IMG)
    features, logits = official((images[0] / 255 - MEAN) / STD)
    torch.testing.assert_close(output.depth[0], logits.relu(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(output.features, features, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    'name, max_depth, expected',
    [
        ('depth_anything_v2_metric_vkitti_vits.pth', None, 80),
        ('depth_anything_v2_metric_hypersim_vits.pth', None, 20),
        ('mine.pth', 120.0, 120),
    ],
)
@torch.no_grad()
def test_metric_model_gives_equal_outputs(official, images, tmp_path, name, max_depth, expected):
    output = HuggingFaceDepthTeacher(save(official, tmp_path / name), max_depth=max_depth)(images, CAM2IMG)
    _, logits = official((images[0] / 255 - MEAN) / STD)
    torch.testing.assert_close(output.depth[0], expected * logits.sigmoid(), atol=1e-3, rtol=1e-4)
    assert output.space == 'depth_metric' and output.valid.all()


def to_official(state_dict):
    """The inverse of the conversion, by hand."""
    result = {}
    for key, value in state_dict.items():
        layer, _, rest = key.partition('.attention.attention.')
        if rest:
            part, name = rest.split('.')
            result.setdefault(f'{layer.replace("backbone.encoder.layer", "pretrained.blocks")}.attn.qkv.{name}', {})[
                part
            ] = value
            continue
        for new, old in (
            ('backbone.embeddings.patch_embeddings.projection', 'pretrained.patch_embed.proj'),
            ('backbone.embeddings.position_embeddings', 'pretrained.pos_embed'),
            ('backbone.embeddings', 'pretrained'),
            ('backbone.layernorm', 'pretrained.norm'),
            ('backbone.encoder.layer', 'pretrained.blocks'),
            ('attention.output.dense', 'attn.proj'),
            ('layer_scale1.lambda1', 'ls1.gamma'),
            ('layer_scale2.lambda1', 'ls2.gamma'),
            ('head.conv1', 'depth_head.scratch.output_conv1'),
            ('head.conv2', 'depth_head.scratch.output_conv2.0'),
            ('head.conv3', 'depth_head.scratch.output_conv2.2'),
            ('residual_layer', 'resConfUnit'),
            ('.convolution', '.conv'),
        ):
            key = key.replace(new, old)
        for i in range(4):
            key = key.replace(f'neck.convs.{i}', f'depth_head.scratch.layer{i + 1}_rn')
            key = key.replace(f'neck.reassemble_stage.layers.{i}.projection', f'depth_head.projects.{i}')
            key = key.replace(f'neck.reassemble_stage.layers.{i}.resize', f'depth_head.resize_layers.{i}')
            if key.startswith(f'neck.fusion_stage.layers.{i}'):
                key = key.replace(f'neck.fusion_stage.layers.{i}', f'depth_head.scratch.refinenet{4 - i}')
                key = key.replace('projection', 'out_conv')
        result[key] = value
    return {
        key: torch.cat([value[part] for part in ('query', 'key', 'value')]) if isinstance(value, dict) else value
        for key, value in result.items()
    }


def test_round_trip(official):
    state_dict = official.state_dict()
    back = to_official(convert_state_dict(state_dict))
    assert back.keys() == state_dict.keys()
    assert all(torch.equal(back[key], state_dict[key]) for key in back)


@pytest.mark.parametrize(
    'width, depth, necks, fusion, indices',
    [
        (384, 12, [48, 96, 192, 384], 64, [3, 6, 9, 12]),
        (768, 12, [96, 192, 384, 768], 128, [3, 6, 9, 12]),
        (1024, 24, [256, 512, 1024, 1024], 256, [5, 12, 18, 24]),
    ],
)
def test_config_of_the_published_sizes(width, depth, necks, fusion, indices):
    with torch.device('meta'):
        shapes = {
            'pretrained.cls_token': (1, 1, width),
            'pretrained.pos_embed': (1, 1 + 37 * 37, width),
            'pretrained.patch_embed.proj.weight': (width, 3, 14, 14),
            'depth_head.scratch.output_conv1.weight': (fusion // 2, fusion, 3, 3),
            'depth_head.scratch.output_conv2.0.weight': (32, fusion // 2, 3, 3),
            **{f'depth_head.projects.{i}.weight': (neck, width, 1, 1) for i, neck in enumerate(necks)},
            **{f'pretrained.blocks.{i}.attn.qkv.weight': (3 * width, width) for i in range(depth)},
            'pretrained.blocks.0.mlp.fc1.weight': (4 * width, width),
        }
        config = infer_config({key: torch.empty(shape) for key, shape in shapes.items()})
    assert config['backbone_config']['image_size'] == 518
    assert config['backbone_config']['num_attention_heads'] == {384: 6, 768: 12, 1024: 16}[width]
    assert config['backbone_config']['out_indices'] == indices
    assert config['neck_hidden_sizes'] == necks and config['fusion_hidden_size'] == fusion
    assert config['head_hidden_size'] == 32 and 'max_depth' not in config


def test_foreign_key(official):
    with pytest.raises(ValueError, match="'module.stem.weight'"):
        convert_state_dict({**official.state_dict(), 'module.stem.weight': torch.zeros(1)})


def test_missing_tensors(official, tmp_path):
    state_dict = official.state_dict()
    del state_dict['pretrained.pos_embed']
    with pytest.raises(ValueError, match='pretrained.pos_embed'):
        infer_config(state_dict)
    state_dict = official.state_dict()
    del state_dict['depth_head.scratch.output_conv2.2.bias']
    torch.save(state_dict, tmp_path / 'depth_anything_v2_vits.pth')
    with pytest.raises(ValueError, match=r'1 parameters are missing \[.head.conv3.bias'):
        HuggingFaceDepthTeacher(str(tmp_path / 'depth_anything_v2_vits.pth'))


def test_names_that_say_something_else(official, tmp_path):
    with pytest.raises(ValueError, match='Depth Anything V1'):
        HuggingFaceDepthTeacher(save(official, tmp_path / 'depth_anything_vits14.pth'))
    with pytest.raises(ValueError, match='state max_depth'):
        HuggingFaceDepthTeacher(save(official, tmp_path / 'my_metric_model.pth'))


def test_no_such_file():
    with pytest.raises(FileNotFoundError, match='CC-BY-NC-4.0'):
        HuggingFaceDepthTeacher('checkpoints/depth_anything_v2_vitl.pth')


def test_file_cut_short(official, tmp_path):
    path = save(official, tmp_path / 'depth_anything_v2_vits.pth')
    with open(path, 'r+b') as file:
        file.truncate(1000)
    with pytest.raises(ValueError, match='cut short'):
        HuggingFaceDepthTeacher(path)


def test_training_checkpoint(official, tmp_path):
    torch.save({'model': official.state_dict(), 'epoch': 3}, tmp_path / 'latest.pth')
    with pytest.raises(ValueError, match="entry 'model'"):
        HuggingFaceDepthTeacher(str(tmp_path / 'latest.pth'))


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save({'pretrained.cls_token': Harmful(str(tmp_path / 'was_run'))}, tmp_path / 'depth_anything_v2_vits.pth')
    with pytest.raises(ValueError, match='more than tensors'):
        HuggingFaceDepthTeacher(str(tmp_path / 'depth_anything_v2_vits.pth'))
    assert not (tmp_path / 'was_run').exists()
