import copy

import pytest
import torch
from mmdet3d.registry import MODELS

from fsmde.models import BinDepthEstimator, LightPyramidNeck
from fsmde.models.distillers import DepthDistiller
from fsmde.structures import SurroundDepthSample

CKD = dict(type='CrossInteractionKD', channels=8)
VRKD = dict(type='ViewRelationalKD', grid=(3, 4))


def student(backbone=None, head=None, **kwargs):
    return dict(
        type='BinDepthEstimator',
        backbone=backbone or dict(type='mmdet.ResNet', depth=18, base_channels=8),
        neck=dict(type='LightPyramidNeck', channels=16),
        head=head
        or dict(type='BinDepthHead', bins=dict(num_bins=8, min_depth=0.5, max_depth=80.0), focal_reference=40.0),
        max_depth=80.0,
        **kwargs,
    )


def distilled(**kwargs):
    teacher = dict(type='HuggingFaceDepthTeacher', model='random-tiny')
    return dict(student(), type='DistilledDepthEstimator', teacher=teacher, distillers=[CKD, VRKD], **kwargs)


@pytest.fixture
def batch(toy_dgp):
    from mmengine.dataset import pseudo_collate

    from fsmde.datasets import DDADDataset

    names = ['LoadSurroundImages', 'LoadSurroundLidar', 'KeepTeacherViews', 'ProjectLidarDepth', 'PackSurroundInputs']
    frames = DDADDataset(data_root=str(toy_dgp), pipeline=[dict(type=f'mmdet3d.{name}') for name in names])
    return pseudo_collate([frames[0], frames[1]])


@pytest.mark.parametrize(
    'backbone',
    [
        dict(type='mmdet.ResNet', depth=18, base_channels=8),
        dict(type='mmdet.MobileNetV2', widen_factor=0.25, out_indices=(1, 2, 4, 7)),
        dict(type='mmdet.SwinTransformer', embed_dims=12, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2)),
    ],
    ids=lambda backbone: backbone['type'],
)
def test_any_backbone_and_all_modes(batch, backbone):
    model = MODELS.build(student(backbone))
    data = model.data_preprocessor(batch)
    output = model(**data, mode='tensor')
    assert output.depth.shape == (2, 6, 48, 64) and output.centers.shape == (2, 6, 8)
    losses = model(**data, mode='loss')
    total, log = model.parse_losses(losses)
    total.backward()
    expected = log['loss_depth'].item() + log['loss_chamfer'].item()
    assert log['loss'].item() == pytest.approx(expected)  # monitors are not summed
    assert all(p.grad is not None for p in model.parameters())
    model.eval()
    samples = model(**data, mode='predict')
    torch.testing.assert_close(samples[1].pred_depth, model(**data).depth[1])
    assert isinstance(samples[0], SurroundDepthSample)
    with pytest.raises(ValueError, match="mode must be 'loss'"):
        model(**data, mode='train')


@pytest.mark.parametrize(
    'centers, focal, said', [('learned', 40.0, False), ('learned', 400.0, True), ('factored', 400.0, False)]
)
def test_cameras_that_cannot_see_what_they_are_to_learn_are_named(batch, logged, centers, focal, said):
    """As where images get smaller and focal_reference stays what it was."""
    bins = dict(num_bins=8, min_depth=0.5, max_depth=80.0)
    model = MODELS.build(student(head=dict(type='BinDepthHead', bins=bins, centers=centers, focal_reference=focal)))
    data = model.data_preprocessor(batch)
    model(**data, mode='loss')
    model(**data, mode='loss')
    fx = float(data['data_samples'][0].cam2img[:, 0, 0].min())
    found = [line for line in logged if 'focal_reference' in line]
    assert len(found) == said and all(f'no farther than {80 * fx / focal:.0f} m' in line for line in found)


def test_measuring_the_backbone_leaves_it_untouched():
    model = MODELS.build(student())
    assert model.backbone.training and model.backbone.bn1.running_mean.abs().sum() == 0
    assert [lateral.conv.in_channels for lateral in model.neck.lateral] == [8, 16, 32, 64]


def test_neck_returns_the_finest_level():
    neck = LightPyramidNeck([4, 8], channels=6)
    assert neck([torch.zeros(2, 4, 10, 12), torch.zeros(2, 8, 5, 6)]).shape == (2, 6, 10, 12)


def test_target_masks_the_car_and_what_is_too_far(batch):
    model = MODELS.build(student())
    samples = batch['data_samples']
    samples[0].gt_depth[0, 0, 0] = 90.0
    samples[0].valid_mask[1] = False
    target = model.target(samples)
    assert not target.mask[0, 0, 0, 0] and not target.mask[0, 1].any() and target.mask[0, 2].any()
    assert (target.mask <= (target.depth > 0)).all() and not target.visible[0, 1].any()


def test_a_distilled_student_is_the_student_with_distillers_under_it(batch):
    plain, model = MODELS.build(student()), MODELS.build(distilled())
    extra = model.state_dict().keys() - plain.state_dict().keys()
    assert plain.state_dict().keys() <= model.state_dict().keys()
    assert extra and all(key.startswith('distillers.') for key in extra)
    teacher_weights = {id(p) for p in model.teacher.network.parameters()}
    assert not teacher_weights & {id(p) for p in model.parameters()}
    assert copy.deepcopy(model).teacher is model.teacher

    missing, unexpected = plain.load_state_dict(model.state_dict(), strict=False)
    assert not missing and not unexpected
    data = plain.data_preprocessor(batch)
    plain.eval()
    model.eval()
    torch.testing.assert_close(plain(**data).depth, model(**data).depth)


def test_distillation_losses_reach_every_student_and_distiller_parameter(batch):
    model = MODELS.build(distilled())
    losses = model(**model.data_preprocessor(batch), mode='loss')
    expected = {
        'loss_depth',
        'loss_chamfer',
        'loss_kd_cross',
        'loss_kd_prob',
        'loss_kd_ssi',
        'loss_kd_view',
        'bins_spread',
    }
    assert set(losses) == expected
    before = [p.clone() for p in model.teacher.network.parameters()]
    model.parse_losses(losses)[0].backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert all(p.grad is None for p in model.teacher.network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, model.teacher.network.parameters()))


def test_a_regression_student_can_be_distilled_by_relations_only(batch):
    head = dict(type='RegressionDepthHead', max_depth=80.0, focal_reference=40.0)
    config = dict(distilled(), head=head, distillers=[VRKD])
    model = MODELS.build(config)
    assert {'loss_depth', 'loss_kd_view'} == set(model(**model.data_preprocessor(batch), mode='loss'))
    with pytest.raises(ValueError, match='needs a student with a BinDepthHead'):
        MODELS.build(dict(config, distillers=[CKD]))


def test_configuration_errors(batch):
    model = MODELS.build(dict(distilled(), distillers=[CKD, CKD]))
    with pytest.raises(ValueError, match='listed twice'):
        model(**model.data_preprocessor(batch), mode='loss')
    batch['inputs'].pop('teacher_img')
    with pytest.raises(ValueError, match='KeepTeacherViews'):
        model(**model.data_preprocessor(batch), mode='loss')
    with pytest.raises(ValueError, match='max_depth'):
        BinDepthEstimator(**{k: v for k, v in student().items() if k not in ('type', 'max_depth')}, max_depth=0)


def test_frames_of_different_rigs_cannot_be_batched(batch):
    batch['inputs']['img'][1] = batch['inputs']['img'][1][:5]
    with pytest.raises(ValueError, match='different shapes'):
        MODELS.build(student()).data_preprocessor(batch)


def test_preprocessing_turns_bgr_into_normalised_rgb(batch):
    batch['inputs']['img'][0][:, 0] = 255  # blue
    data = MODELS.build(student()).data_preprocessor(batch)
    assert data['inputs']['img'][0, :, 2].mean().item() == pytest.approx((255 - 103.53) / 57.375, rel=1e-4)
    assert data['inputs']['teacher_img'].dtype == torch.uint8


def test_flip_augmentation_by_hand():
    """Disparities 1/2 and 1/4: the mean away from the borders, one of them alone at each border."""
    from fsmde.models.estimators.flip_augmentation import with_mirrored
    from fsmde.structures import StudentOutput

    images = torch.zeros(1, 1, 3, 2, 101)
    images[..., 0] = 1  # tells the plain image from the mirrored one

    def extract(images, cam2img):
        return StudentOutput(torch.full((1, 1, 2, 101), 2.0 if images[..., 0].all() else 4.0))

    depth = with_mirrored(extract, images, None).depth[0, 0, 0]
    assert depth[50].item() == pytest.approx(1 / (0.5 / 2 + 0.5 / 4))
    assert depth[2] == 4 and depth[98] == 2


def losses_of(model, batch):
    return model(**model.data_preprocessor(batch), mode='loss')


def test_necks_of_another_kind_are_named(batch):
    """mmdet's return a map for each level, and are told the channels of each."""
    neck = dict(type='mmdet.FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4)
    with pytest.raises(ValueError, match='model.neck: leave in_channels out'):
        MODELS.build(dict(student(), neck=neck))
    neck.pop('in_channels')
    with pytest.raises(ValueError, match=r'model.neck \(FPN\) returns a tuple, .* docs/extending.md'):
        losses_of(MODELS.build(dict(student(), neck=neck)), batch)


@MODELS.register_module()
class SaysDepthKD(DepthDistiller):
    """What ``say`` makes of the student's depth, under its name."""

    def __init__(self, say, name='loss_kd_says', **kwargs):
        super().__init__(**kwargs)
        self.say, self.name = say, name

    def loss(self, step):
        return {self.name: self.say(step.student.depth)}


def test_a_distiller_that_teaches_nothing_is_named(batch):
    def taught(say, *others, **kwargs):
        distillers = [*others, dict(type='SaysDepthKD', say=say, **kwargs)]
        return losses_of(MODELS.build(dict(distilled(), distillers=distillers)), batch)

    with pytest.raises(ValueError, match=r"SaysDepthKD: \['loss_kd_says'\] have no gradient"):
        taught(lambda depth: depth.detach().mean())
    with pytest.raises(ValueError, match=r"SaysDepthKD: none of \['says_kd'\] is learned from"):
        taught(lambda depth: depth.mean(), name='says_kd')
    with pytest.raises(ValueError, match="SaysDepthKD: its losses .'loss_kd_view'. .* two name their losses alike"):
        taught(lambda depth: depth.mean(), VRKD, name='loss_kd_view')
    assert 'loss_kd_says' in taught(lambda depth: depth.mean())
    assert 'loss_kd_says' in taught(lambda depth: depth.new_zeros(()))  # Nothing to say of this batch.
