"""An estimator whose views know of each other, at toy size."""

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.registry import DefaultScope
from toy_run import CENTRE, cylinder_depth

from fsmde.apis import SurroundDepthInferencer
from fsmde.apis.published_model import read_published, write_published
from fsmde.deployment.deployable import DeployableEstimator
from fsmde.models import EstimatorTeacher
from fsmde.models.architecture import architecture_of
from fsmde.models.losses import ScaleInvariantLoss
from fsmde.poses import euler_to_matrix

SIZE = 32, 48
SINGLE = dict(
    type='BinDepthEstimator',
    backbone=dict(type='mmdet.ResNet', depth=18, base_channels=8, norm_eval=False),
    neck=dict(type='LightPyramidNeck', channels=8),
    head=dict(type='RegressionDepthHead', min_depth=5.0, max_depth=16.0, focal_reference=None),
)
ANY_VIEW = dict(SINGLE, type='AnyViewDepthEstimator', views=dict(level=1, channels=32, layers=2, heads=2))


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


def build(config, spread=0.3):
    """The model with weights whose attention has something to say."""
    torch.manual_seed(0)
    model = MODELS.build(config).eval()
    if hasattr(model, 'views'):
        torch.nn.init.normal_(model.views.back.weight, std=spread)
    return model


def rig(views, seed=0, frames=1):
    """Images, intrinsics and poses of level cameras 1.5 m above the ground that look anywhere."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(frames, views, 3, *SIZE, generator=generator)
    cam2img = torch.tensor([[24.0, 0, 24], [0, 24, 16], [0, 0, 1]]).repeat(frames, views, 1, 1)
    yaw = 6.28 * torch.rand(frames, views, generator=generator)
    axes = torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # camera axes ahead
    turn = torch.stack([torch.tensor(euler_to_matrix((0, 0, 1.5), (0, 0, a))) for a in yaw.flatten().tolist()])
    return images, cam2img, (turn.float() @ axes).view(frames, views, 4, 4)


@torch.no_grad()
def test_it_begins_as_the_network_of_single_views():
    images, cam2img, cam2ego = rig(3)
    single, joint = build(SINGLE), build(ANY_VIEW, spread=0)
    joint.load_state_dict(single.state_dict(), strict=False)
    assert torch.equal(joint.extract(images, cam2img, cam2ego).depth, single.extract(images, cam2img).depth)


@torch.no_grad()
def test_the_order_of_views_changes_nothing():
    """In double precision, where sums in another order are the same to 1e-12."""
    images, cam2img, cam2ego = (x.double() for x in rig(5))
    model, order = build(ANY_VIEW).double(), [3, 0, 4, 1, 2]
    before = model.extract(images, cam2img, cam2ego)
    after = model.extract(images[:, order], cam2img[:, order], cam2ego[:, order])
    torch.testing.assert_close(after.depth, before.depth[:, order], rtol=1e-5, atol=0)
    torch.testing.assert_close(after.features, before.features[order], rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_poses_and_other_views_count_and_frames_of_a_batch_do_not():
    images, cam2img, cam2ego = rig(3, frames=2)
    model = build(ANY_VIEW)
    before = model.extract(images, cam2img, cam2ego).depth
    turned, other = cam2ego.clone(), images.clone()
    turned[0, 2] = cam2ego[0, 0]
    other[0, 2] = 0
    for depth in (model.extract(images, cam2img, turned).depth, model.extract(other, cam2img, cam2ego).depth):
        changed = (depth / before).log().abs().flatten(2).amax(-1)
        assert (changed[0] > 1e-3).all() and (changed[1] < 1e-5).all()
    assert model.extract(images[:, :1], cam2img[:, :1], cam2ego[:, :1]).depth.shape == (2, 1, *SIZE)


def test_it_learns_what_poses_alone_can_tell():
    """Depth is that of a cylinder beside the vehicle, images are noise: who knows no poses cannot know the azimuth."""

    def error_after_training(config):
        torch.manual_seed(0)
        model = MODELS.build(config).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        errors = []
        for step in range(60):
            images, cam2img, cam2ego = rig(4, seed=step, frames=2)
            truth = cylinder_depth(cam2img, cam2ego, SIZE, CENTRE)
            error = (model.extract(images, cam2img, cam2ego).depth.log() - truth.log()).abs().mean()
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            errors.append(error.item())
        return sum(errors[-10:]) / 10

    assert error_after_training(ANY_VIEW) < 0.7 * error_after_training(SINGLE)


def test_one_scale_for_a_rig_by_hand():
    """ln d - ln g is 1, 1, 1 in the first view and 3, 3, 3 and 7, which is masked, in the second: medians 1 and 3, or 1."""
    truth = torch.ones(1, 2, 1, 4)
    mask = torch.tensor([[[[True, True, True, False]], [[True, True, True, False]]]])
    depth = torch.tensor([[[[1.0, 1, 1, 7]], [[3, 3, 3, 7]]]]).exp()
    assert ScaleInvariantLoss(gradient_weight=0)(depth, truth, mask) == 0
    # The lower of the middle two of 1, 1, 1, 3, 3, 3: the second view is off by 2.
    assert ScaleInvariantLoss(gradient_weight=0, scope='rig')(depth, truth, mask).item() == pytest.approx(1)
    with pytest.raises(ValueError, match="scope must be 'view' or 'rig'"):
        ScaleInvariantLoss(scope='frame')


def test_published_it_teaches_and_is_not_deployed(tmp_path):
    model = build(ANY_VIEW)
    description = dict(model=architecture_of(ANY_VIEW), input_size=list(SIZE), cameras=[], origin={}, figures={})
    write_published(tmp_path / 'model', model.state_dict(), description, 'card')
    teacher = EstimatorTeacher(str(tmp_path / 'model'), space='depth_scale_invariant_multi_view')
    images, cam2img, cam2ego = rig(3)
    images = (50 * images + 128).clamp(0, 255).to(torch.uint8)
    expected = model.extract(model.data_preprocessor.normalize(images), cam2img, cam2ego)
    torch.testing.assert_close(teacher(images, cam2img, cam2ego=cam2ego).depth, expected.depth)
    assert teacher.reads == ('cam2ego',)
    with pytest.raises(ValueError, match='EstimatorTeacher reads cam2ego of shape'):
        teacher(images, cam2img)
    with pytest.raises(ValueError, match='needs the poses'):
        read_published(tmp_path / 'model')[0].extract(images.float(), cam2img)
    with pytest.raises(ValueError, match='AnyViewDepthEstimator is made to teach'):
        DeployableEstimator(model)
    with pytest.raises(ValueError, match='AnyViewDepthEstimator is made to teach'):
        SurroundDepthInferencer(tmp_path / 'model')


def test_wrong_settings():
    with pytest.raises(ValueError, match='flip_augmentation'):
        MODELS.build(dict(ANY_VIEW, flip_augmentation=True))
    with pytest.raises(ValueError, match=r'views.level must be 0 to 3, found 4'):
        MODELS.build(dict(ANY_VIEW, views=dict(level=4)))
