"""Every family of transformers' depth models, from tiny checkpoints in the format users have."""

import copy
import json
import sys

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from fsmde.models.teachers import MODEL_ZOO, HuggingFaceDepthTeacher
from fsmde.models.teachers.hf_families import crop_centre, depth_space, input_size, to_depth
from fsmde.models.teachers.lidar_prompt import complete
from fsmde.models.teachers.zoo import RANDOM_MODELS

DINO = dict(
    model_type='dinov2', image_size=70, hidden_size=32, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2
)
BEIT = dict(
    model_type='beit',
    image_size=64,
    hidden_size=32,
    num_hidden_layers=4,
    num_attention_heads=2,
    intermediate_size=37,
    use_relative_position_bias=True,
    out_features=['stage1', 'stage2', 'stage3', 'stage4'],
    reshape_hidden_states=False,
)
VIT = dict(hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=37, image_size=64)
SMALL = dict(neck_hidden_sizes=[16, 16, 16, 16], fusion_hidden_size=16)
DEPTH_PRO_VIT = {**DINO, 'image_size': 32, 'patch_size': 8, 'num_hidden_layers': 2}

CONFIGS = {
    'depth_anything': RANDOM_MODELS['random-tiny'],
    'depth_anything_metric': dict(RANDOM_MODELS['random-tiny'], depth_estimation_type='metric', max_depth=80),
    'dpt': dict(model_type='dpt', **VIT, backbone_out_indices=[0, 1, 2, 3], **SMALL),
    'dpt_beit': dict(model_type='dpt', backbone_config=BEIT, **SMALL),
    'dpt_dinov2': dict(
        model_type='dpt',
        backbone_config=dict(DINO, out_indices=[1, 2, 3, 4], reshape_hidden_states=False),
        **SMALL,
    ),
    'zoedepth': dict(
        model_type='zoedepth',
        backbone_config=BEIT,
        bottleneck_features=16,
        bin_embedding_dim=16,
        num_relative_features=8,
        **SMALL,
    ),
    'depth_pro': dict(
        model_type='depth_pro',
        patch_size=32,
        image_model_config=DEPTH_PRO_VIT,
        patch_model_config=DEPTH_PRO_VIT,
        fov_model_config=DEPTH_PRO_VIT,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[16, 16],
        scaled_images_feature_dims=[16, 16, 16],
        fusion_hidden_size=16,
        merge_padding_value=1,
    ),
    'glpn': dict(
        model_type='glpn', hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16, max_depth=80,
    ),
    'prompt_depth_anything': dict(RANDOM_MODELS['random-tiny'], model_type='prompt_depth_anything'),
}  # fmt: skip
#: Space, and resolution of the depth for a 96 x 160 image.
EXPECTED = {
    'depth_anything': ('disparity_affine_invariant', (98, 154)),
    'depth_anything_metric': ('depth_metric', (98, 154)),
    'dpt': ('disparity_affine_invariant', (64, 64)),
    'dpt_beit': ('disparity_affine_invariant', (96, 160)),
    'dpt_dinov2': ('depth_metric', (96, 192)),  # 6 x 12 patches, 16 pixels each whatever the patch size
    'zoedepth': ('depth_metric', (68, 121)),
    'depth_pro': ('depth_metric', (256, 256)),
    'glpn': ('depth_metric', (96, 160)),
    'prompt_depth_anything': ('depth_metric', (98, 154)),
}


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory):
    """Directories in save_pretrained format, by name."""
    root = tmp_path_factory.mktemp('checkpoints')
    for name, config in CONFIGS.items():
        torch.manual_seed(0)
        config = transformers.AutoConfig.for_model(**copy.deepcopy(config))
        network = transformers.AutoModelForDepthEstimation.from_config(config)
        for parameter in network.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
        for module in network.modules():
            # An answer everywhere: what a teacher says is 0 m away is not valid, and its features there are hidden.
            if isinstance(module, torch.nn.Conv2d) and module.out_channels == 1:
                module.bias.data += 1
        network.save_pretrained(root / name)
    return root


@pytest.fixture
def inputs():
    images = torch.randint(0, 256, (1, 2, 3, 96, 160), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    return images, torch.tensor([[100.0, 0, 80], [0, 100, 48], [0, 0, 1]]).expand(1, 2, 3, 3)


@pytest.mark.parametrize('name', CONFIGS)
def test_family(checkpoints, inputs, name):
    teacher = HuggingFaceDepthTeacher(str(checkpoints / name))
    lidar = torch.zeros(1, 2, 96, 160)
    lidar[..., 2::4, 2::4] = torch.linspace(3, 40, 24)[:, None]
    output = teacher(*inputs, lidar=lidar)
    space, resolution = EXPECTED[name]
    assert output.space == space and output.depth.shape == (1, 2, *resolution)
    assert output.depth.dtype == output.features.dtype == torch.float32
    assert output.features.shape[:2] == (2, teacher.feature_channels) and teacher.feature_channels == 16
    assert output.features.isfinite().all() and output.features.std() > 0
    assert not teacher.network.training
    one_by_one = HuggingFaceDepthTeacher(str(checkpoints / name), max_views=1)(*inputs, lidar=lidar)
    torch.testing.assert_close(one_by_one.depth, output.depth, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(one_by_one.features, output.features, atol=1e-4, rtol=1e-4)


def test_a_prompted_network_answers_at_the_prompts_scale(checkpoints, inputs):
    """LiDAR twice as far is an answer twice as far: the prompt goes in between its least and greatest value."""
    teacher = HuggingFaceDepthTeacher(str(checkpoints / 'prompt_depth_anything'))
    assert teacher.reads == ('lidar',)
    lidar = torch.zeros(1, 2, 96, 160)
    lidar[:, 0, 2::4, 2::4] = torch.linspace(3, 40, 24)[:, None]
    lidar[:, 1, 0, :3] = 7.0
    near, far = teacher(*inputs, lidar=lidar), teacher(*inputs, lidar=2 * lidar)
    assert near.valid[:, 0].all() and not near.valid[:, 1].any()
    torch.testing.assert_close(far.depth, 2 * near.depth)


def test_completion_of_lidar_by_hand():
    """Four points around the one cell of a 4x4 view, two of them three times as far away as the others."""
    lidar = torch.zeros(2, 4, 4)
    lidar[0, 1, 1], lidar[0, 2, 2], lidar[0, 0, 0], lidar[0, 3, 3] = 10.0, 10.0, 30.0, 30.0
    lidar[1, 0, 0] = 5.0
    prompt, enough = complete(lidar, (1, 1))
    assert enough.tolist() == [True, False] and prompt.shape == (2, 1, 1, 1)
    assert prompt[0].item() == pytest.approx((2 * 10 * 3 + 2 * 30) / (2 * 3 + 2))


@torch.no_grad()
def test_output_is_the_models_own(checkpoints):
    # The size of its position embeddings: nothing is resized, and the network's input can be written down.
    images = torch.randint(0, 256, (2, 1, 3, 518, 518), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    output = HuggingFaceDepthTeacher(str(checkpoints / 'depth_anything'))(images, torch.eye(3).expand(2, 1, 3, 3))
    network = transformers.AutoModelForDepthEstimation.from_pretrained(checkpoints / 'depth_anything').eval()
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    pixels = (images[:, 0] / 255 - mean) / std
    torch.testing.assert_close(output.depth[:, 0], network(pixels).predicted_depth)
    maps = network.neck(network.backbone(pixels).feature_maps, 37, 37)
    torch.testing.assert_close(output.features, maps[-1])
    assert output.depth.std() > 1e-3


@torch.no_grad()
def test_depth_pro_uses_the_known_focal_length(checkpoints, inputs):
    images, cam2img = inputs
    teacher = HuggingFaceDepthTeacher(str(checkpoints / 'depth_pro'))
    near, far = teacher(images, cam2img), teacher(images, cam2img @ torch.diag(torch.tensor([2.0, 2, 1])))
    torch.testing.assert_close(far.depth, 2 * near.depth)
    canonical = torch.full((1, 2, 2), 0.05)
    # fx 100 in an image 160 wide: 100 / 160 / 0.05 = 12.5 m.
    torch.testing.assert_close(
        to_depth(teacher.network.config, canonical, cam2img[0, :1], 160), torch.full((1, 2, 2), 12.5)
    )


def test_input_sizes(checkpoints):
    def size(name, *shape):
        return input_size(transformers.AutoConfig.from_pretrained(checkpoints / name), *shape)

    assert size('depth_anything', 384, 640) == (378, 644)
    assert size('depth_anything', 352, 640) == (350, 644)
    assert size('depth_anything', 5, 640) == (14, 644)
    assert size('dpt', 384, 640) == (64, 64)
    assert size('dpt_beit', 384, 640) == size('zoedepth', 380, 630) == (384, 640)
    assert size('depth_pro', 384, 640) == (128, 128)


def test_padding_is_cut_off_about_the_centre():
    # 4 of 8 rows and 6 of 12 columns: rows 2..5, columns 3..8.
    maps = torch.arange(96.0).view(1, 1, 8, 12)
    torch.testing.assert_close(crop_centre(maps, (0.5, 0.5)), maps[..., 2:6, 3:9])


def test_the_crop_is_the_same_under_autocast():
    maps = torch.linspace(0, 1, 420 * 700).view(1, 1, 420, 700)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        cropped = crop_centre(maps, (0.9, 0.9))
    assert torch.equal(cropped, crop_centre(maps, (0.9, 0.9)))


def test_spaces():
    def space(**config):
        return depth_space(transformers.AutoConfig.for_model(**config))

    assert space(model_type='depth_anything') == 'disparity_affine_invariant'
    assert space(model_type='depth_anything', depth_estimation_type='metric') == 'depth_metric'
    assert space(model_type='dpt') == 'disparity_affine_invariant'
    assert space(model_type='zoedepth') == space(model_type='depth_pro') == 'depth_metric'


def test_stated_space_and_options(checkpoints):
    teacher = HuggingFaceDepthTeacher(str(checkpoints / 'depth_anything'), space='depth_affine_invariant')
    assert teacher.space == 'depth_affine_invariant'
    with pytest.raises(ValueError, match='max_views'):
        HuggingFaceDepthTeacher('random-tiny', max_views=0)


@pytest.mark.parametrize(
    'preprocessor, mean, std',
    [
        (dict(image_mean=[0.4, 0.5, 0.6], image_std=[0.1, 0.2, 0.3]), [0.4, 0.5, 0.6], [0.1, 0.2, 0.3]),
        (dict(do_rescale=False, image_mean=[51, 102, 153], image_std=[51, 51, 51]), [0.2, 0.4, 0.6], [0.2, 0.2, 0.2]),
        (dict(do_resize=True), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ],
)
def test_normalisation_from_the_preprocessor_config(checkpoints, tmp_path, preprocessor, mean, std):
    for file in (checkpoints / 'depth_anything').iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / 'preprocessor_config.json').write_text(json.dumps(preprocessor))
    teacher = HuggingFaceDepthTeacher(str(tmp_path))
    assert teacher.mean == pytest.approx(mean) and teacher.std == pytest.approx(std)


def test_random_models_are_the_same_everywhere_and_leave_the_random_state(inputs):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = HuggingFaceDepthTeacher('random-tiny')(*inputs)
    assert torch.equal(torch.rand(3), expected)
    second = HuggingFaceDepthTeacher(copy.deepcopy(RANDOM_MODELS['random-tiny']))(*inputs)
    assert torch.equal(first.depth, second.depth)
    # Of use in a trial only if it says something: positive in much of the image (transformers before 5 draws other weights,
    # and half of it is), and not one constant.
    assert (first.depth > 0).float().mean() > 0.4 and first.depth.std() > 0.1 * first.depth.mean()


def test_models_that_cannot_be_had(monkeypatch, tmp_path):
    def offline(*args, **kwargs):
        raise OSError('no network')

    monkeypatch.setattr(transformers.AutoConfig, 'from_pretrained', offline)
    with pytest.raises(
        FileNotFoundError, match='Its licence: CC-BY-NC-4.0.*hf download depth-anything/Depth-Anything-V2-B'
    ):
        HuggingFaceDepthTeacher('depth-anything/Depth-Anything-V2-Base-hf')
    with pytest.raises(FileNotFoundError, match='model card'):
        HuggingFaceDepthTeacher('someone/else')
    with pytest.raises(FileNotFoundError, match='save_pretrained'):
        HuggingFaceDepthTeacher(str(tmp_path))


def test_incomplete_weights(checkpoints, tmp_path):
    source = checkpoints / 'depth_anything'
    (tmp_path / 'config.json').write_bytes((source / 'config.json').read_bytes())
    with pytest.raises(FileNotFoundError, match=r"expected config.json and weights .*found \['config.json'\]"):
        HuggingFaceDepthTeacher(str(tmp_path))
    tensors = load_file(source / 'model.safetensors')
    del tensors['head.conv3.bias']
    save_file(tensors, tmp_path / 'model.safetensors', metadata=dict(format='pt'))
    with pytest.raises(ValueError, match=r'1 parameters are missing \[.head.conv3.bias'):
        HuggingFaceDepthTeacher(str(tmp_path))


def test_unsupported_family():
    with pytest.raises(ValueError, match="'chmv2' model; supported are"):
        HuggingFaceDepthTeacher(dict(model_type='chmv2'))


def test_without_transformers(monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(ImportError, match='pip install'):
        HuggingFaceDepthTeacher('random-tiny')


def test_zoo_states_a_licence_for_each():
    assert all(entry.licence and entry.parameters > 0 for entry in MODEL_ZOO.values())
    assert MODEL_ZOO['depth-anything/Depth-Anything-V2-Small-hf'].licence == 'Apache-2.0'
    assert MODEL_ZOO['depth-anything/Depth-Anything-V2-Large-hf'].licence == 'CC-BY-NC-4.0'
