"""Depth Anything 3: what is done around the network with one whose answer is known, and the network with random weights."""

import json
import math
import sys
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import PyTorchModelHubMixin
from mmdet3d.registry import MODELS
from mmengine.registry import DefaultScope
from test_cached import ALIGNED, cached, config, losses, write_cache
from torch import nn

from fsmde.models.teachers import DepthAnything3Teacher, depth_anything_3
from fsmde.poses import euler_to_matrix

AXES = torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


class Answers(nn.Module):
    """In the place of the network. ``any_view``: the inside of a sphere of radius 10 around the first camera, by poses and
    intrinsics alone, surer on the left; features are each view's number. Else 3 everywhere, and sky in the upper half."""

    def __init__(self, any_view):
        super().__init__()
        self.backbone = SimpleNamespace(pretrained=SimpleNamespace(embed_dim=1), out_layers=[5, 11])
        self.cam_enc = nn.Identity() if any_view else None

    def forward(self, x, w2c=None, K=None, export_feat_layers=(), infer_gs=False, ray=False, strategy=None):
        self.seen = x, w2c, K
        (B, N, _, h, w), layer = x.shape, f'feat_layer_{export_feat_layers[0]}'
        number = torch.arange(N).view(1, N, 1, 1, 1).expand(B, N, h // 14, w // 14, 1).float()
        output = SimpleNamespace(aux={layer: number})
        if self.cam_enc is None:
            output.depth = torch.full((B, N, h, w), 3.0)
            output.sky = (torch.arange(h)[:, None] < h // 2).float().expand(B, N, h, w)
            return output
        v, u = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing='ij')
        c2w = torch.linalg.inv(w2c)
        turn = c2w[..., :3, :3] @ torch.linalg.inv(K)
        rays = torch.einsum('bnij,hwj->bnhwi', turn, torch.stack([u, v, torch.ones_like(u)], -1))
        output.depth = sphere(c2w[..., :3, 3], rays, 10)
        output.depth_conf = torch.linspace(3, 1, w).expand(B, N, h, w)
        return output


def sphere(places, rays, radius):
    """z (B, N, h, w) with \\|o + z r\\| = radius, of places o (B, N, 3) and rays r (B, N, h, w, 3) of z = 1."""
    places = places[:, :, None, None]
    a, b, c = rays.square().sum(-1), (places * rays).sum(-1), places.square().sum(-1) - radius**2
    return (-b + (b * b - a * c).sqrt()) / a


def stub(monkeypatch, any_view=True, **options):
    network, name = Answers(any_view), 'da3-small' if any_view else 'da3metric-large'
    monkeypatch.setattr(depth_anything_3, 'load_da3', lambda model: (network, name))
    return DepthAnything3Teacher('somewhere', **options), network


def rig():
    """Images, intrinsics and poses of four cameras, of which the third looks ahead."""
    yaws, places = (1.6, -1.5, 0.05, 3.0), [(0.5, 0.6, 1.6), (0.5, -0.6, 1.6), (1.5, 0.0, 1.6), (-0.5, 0.0, 1.6)]
    poses = [torch.tensor(euler_to_matrix(place, (0, 0, yaw))).float() @ AXES for yaw, place in zip(yaws, places)]
    cam2img = torch.tensor([[30.0, 0, 20], [0, 32, 15], [0, 0, 1]])
    images = torch.randint(0, 256, (1, 4, 3, 30, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return images, cam2img.repeat(1, 4, 1, 1), torch.stack(poses)[None]


def test_poses_intrinsics_and_order_of_a_known_answer(monkeypatch):
    teacher, network = stub(monkeypatch)
    images, cam2img, cam2ego = rig()
    output = teacher(images, cam2img, cam2ego=cam2ego)
    assert output.space == 'depth_scale_invariant_multi_view' and output.valid.all() and teacher.reads == ('cam2ego',)
    assert output.depth.shape == (1, 4, 28, 42)
    pixels, w2c, K = network.seen
    torch.testing.assert_close(w2c[0, 0], torch.eye(4))
    assert K[0, 0, 0, 0].item() == pytest.approx(30 * 42 / 40)
    # Distances from the camera that looks ahead: 0, 1.17, 1.17 and 2, of which torch's median is 1.17, the unit.
    unit = math.hypot(1, 0.6)
    v, u = torch.meshgrid((torch.arange(28) + 0.5) * 30 / 28, (torch.arange(42) + 0.5) * 40 / 42, indexing='ij')
    rays = torch.stack([(u - 20) / 30, (v - 15) / 32, torch.ones_like(u)], -1)
    rays = torch.einsum('bnij,hwj->bnhwi', cam2ego[..., :3, :3], rays)
    expected = sphere(cam2ego[..., :3, 3] - cam2ego[:, 2:3, :3, 3], rays, 10 * unit)
    torch.testing.assert_close(output.depth, expected, rtol=1e-4, atol=1e-4)
    # By how far they look aside: the third, the second at -1.5, the first at 1.6, the last.
    assert output.features[:, 0, 0, 0].tolist() == [2, 1, 0, 3] and output.features.shape == (4, 1, 2, 3)
    assert pixels.std() == pytest.approx(1.3, abs=0.5)
    order = [3, 1, 0, 2]
    again = teacher(images[:, order], cam2img[:, order], cam2ego=cam2ego[:, order])
    assert torch.equal(again.depth, output.depth[:, order])


def test_what_the_network_is_not_sure_of_is_not_valid(monkeypatch):
    teacher, _ = stub(monkeypatch, min_confidence=2.0)
    images, cam2img, cam2ego = rig()
    valid = teacher(images, cam2img, cam2ego=cam2ego).valid
    assert valid[..., :21].all() and not valid[..., 21:].any()
    with pytest.raises(ValueError, match='da3metric-large has no confidence'):
        stub(monkeypatch, any_view=False, min_confidence=2.0)


def test_metric_depth_by_the_focal_length_and_no_sky(monkeypatch):
    """fx and fy are 31.5 and 29.9 at 28x42 pixels: 3 times 30.7 / 300."""
    teacher, network = stub(monkeypatch, any_view=False)
    images, cam2img, _ = rig()
    output = teacher(images, cam2img)
    assert output.space == 'depth_metric' and teacher.reads == () and network.seen[0].shape == (4, 1, 3, 28, 42)
    assert not output.valid[..., :14, :].any() and output.valid[..., 14:, :].all()
    expected = 3 * (30 * 42 / 40 + 32 * 28 / 30) / 2 / 300
    torch.testing.assert_close(output.depth[..., 14:, :], torch.full((1, 4, 14, 42), expected))


def test_licences(monkeypatch):
    assert stub(monkeypatch)[0].licence == 'Apache-2.0'
    assert stub(monkeypatch, licence='mine')[0].licence == 'mine'


def test_without_the_package_the_line_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'depth_anything_3', None)
    with pytest.raises(ImportError, match=r'pip install --no-deps depth-anything-3==0.1.1 && pip install einops'):
        DepthAnything3Teacher('random-da3-small')


@pytest.fixture(scope='module')
def small():
    """The small network with random weights, and how to save it."""
    pytest.importorskip('depth_anything_3', reason='depth-anything-3 is not installed, see docs/teachers.md')
    return DepthAnything3Teacher('random-da3-small')


class Published(nn.Module, PyTorchModelHubMixin):
    """As the authors' api.py saves a model: the network under ``model``, and the arguments as config.json."""

    def __init__(self, model_name, **kwargs):
        super().__init__()
        self.model = kwargs.get('network')


def save(teacher, folder, name='da3-small'):
    published = Published(model_name=name)
    published.model = teacher.network
    published.save_pretrained(folder)
    assert json.loads((folder / 'config.json').read_text())['model_name'] == name


def test_answers_of_the_real_network(small):
    images, cam2img, cam2ego = rig()
    output = small(images, cam2img, cam2ego=cam2ego)
    assert output.depth.shape == (1, 4, 28, 42) and output.features.shape == (4, 384, 2, 3)
    assert small.feature_channels == 384 and not output.depth.requires_grad
    assert not output.depth.is_inference() and small.licence == 'Apache-2.0'
    order = [3, 1, 0, 2]
    again = small(images[:, order], cam2img[:, order], cam2ego=cam2ego[:, order])
    torch.testing.assert_close(again.depth, output.depth[:, order])
    torch.testing.assert_close(again.features, output.features[order])
    closer = cam2ego.clone()
    closer[0, 3, 0, 3] += 1.0
    changed = (small(images, cam2img, cam2ego=closer).depth / output.depth - 1).abs().flatten(2).amax(-1)
    assert (changed > 1e-5).all()


def test_weights_in_the_authors_format(small, tmp_path):
    with torch.no_grad():
        small.network.head.scratch.output_conv2[-1].bias.add_(1)
    save(small, tmp_path / 'model')
    loaded = DepthAnything3Teacher(str(tmp_path / 'model'))
    assert loaded.identity() == small.identity()
    assert loaded.identity() != DepthAnything3Teacher('random-da3-small').identity()
    weights = tmp_path / 'model/model.safetensors'
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match='is cut short'):
        DepthAnything3Teacher(str(tmp_path / 'model'))
    weights.unlink()
    with pytest.raises(FileNotFoundError, match='lacks model.safetensors: .*hf download depth-anything/DA3-SMALL'):
        DepthAnything3Teacher(str(tmp_path / 'model'))
    (tmp_path / 'model/config.json').write_text('{"model_name": "da3nested-giant-large"}')
    weights.write_bytes(content)
    with pytest.raises(ValueError, match="'da3nested-giant-large' is no architecture.*'da3-small'"):
        DepthAnything3Teacher(str(tmp_path / 'model'))


def test_weights_that_do_not_fit(small, tmp_path):
    save(small, tmp_path)
    (tmp_path / 'config.json').write_text('{"model_name": "da3-base"}')
    with pytest.raises(ValueError, match='does not fit its config: .*tensors differ'):
        DepthAnything3Teacher(str(tmp_path))


def test_absent_weights(small, monkeypatch, tmp_path):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)
    with pytest.raises(FileNotFoundError, match='licence: CC-BY-NC-4.0.*hf download depth-anything/DA3-LARGE-1.1'):
        DepthAnything3Teacher('depth-anything/DA3-LARGE-1.1')


def test_live_training_cache_and_flips(small, toy_dgp, tmp_path):
    teacher = dict(type='DepthAnything3Teacher', model='random-da3-small', feature_size=(3, 4))
    distillers = [*ALIGNED, dict(type='PearsonFeatureKD', grid=(3, 4))]
    live = config(toy_dgp, distillers, teacher)
    cache = write_cache(live, tmp_path)
    flips = set()
    for epoch in range(2):
        expected, batch = losses(live, epoch=epoch)
        flips |= {tuple(sample.cam_order) for sample in batch['data_samples']}
        found, _ = losses(cached(live, cache, teacher), epoch=epoch)
        assert found == pytest.approx(expected, rel=5e-3, abs=1e-5)
        assert {'loss_kd_prob', 'loss_kd_view', 'loss_kd_pearson'} <= expected.keys()
    assert len(flips) == 2


def test_it_is_registered():
    assert MODELS.get('DepthAnything3Teacher') is DepthAnything3Teacher
