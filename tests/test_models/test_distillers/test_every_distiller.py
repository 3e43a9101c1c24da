"""What holds for every distiller: it takes a step, in mixed precision too, and nothing to learn from is no trouble."""

from dataclasses import replace

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.dataset import pseudo_collate
from toy_scene import BINS

import fsmde.models
from fsmde.models import DepthDistiller
from fsmde.structures import DepthTarget, TeacherOutput
from toy_dgp import write_toy_dgp

DISTILLERS = [
    dict(type='CrossInteractionKD', channels=8),
    dict(type='CrossInteractionKD', channels=8, select=True),
    dict(type='CrossInteractionKD', probabilities='aligned'),
    dict(type='CrossInteractionKD', probabilities='factored', self_align=True),
    dict(type='CrossInteractionKD', probabilities='aligned', self_align=True),
    dict(type='ViewRelationalKD', grid=(3, 4)),
    dict(type='ViewRelationalKD', relation='feature', grid=(3, 4)),
    dict(type='ViewRelationalKD', relation='probability', pairs='wedge', grid=(3, 4)),
    dict(type='AlignedDepthKD'),
    dict(type='AlignedDepthKD', self_align=True),
    dict(type='ScaleShiftInvariantKD'),
    dict(type='HintonBinKD'),
    dict(type='TieKD'),
    dict(type='FitNetKD'),
    dict(type='ChannelWiseKD'),
    dict(type='AttentionTransferKD'),
    dict(type='PearsonFeatureKD'),
    dict(type='RelationalKD'),
    dict(type='PairwiseAffinityKD'),
    dict(type='DISTKD'),
    dict(type='MaskedGenerativeKD'),
]
every = pytest.mark.parametrize('config', DISTILLERS, ids=lambda c: '-'.join(str(v) for v in c.values()))


@pytest.fixture
def scene(scene):
    """The toy scene with features in which the student has everything to learn, and factored centers."""
    torch.manual_seed(0)
    scene.student.log_scale = 0.1 * torch.randn(*scene.depth.shape[:2], *scene.student.logits.shape[-2:])
    scene.student.features = torch.randn_like(scene.student.features).requires_grad_()
    return scene


def build(config, **kwargs):
    torch.manual_seed(0)
    return MODELS.build(dict(config, bins=BINS, student_channels=8, **(kwargs or dict(teacher_channels=8))))


def step(config, scene):
    """Losses of one step in a scene; gradients of the student's outputs and of the distiller's parameters."""
    kd = build(config)
    torch.manual_seed(1)
    losses = kd.loss(scene.step())
    leaves = [scene.student.depth, scene.student.logits, scene.student.features]
    gradients = torch.autograd.grad(
        sum(losses.values()), [*leaves, *kd.parameters()], allow_unused=True, retain_graph=True
    )
    return losses, gradients[:3], gradients[3:]


def test_the_list_is_complete():
    listed = {config['type'] for config in DISTILLERS}
    kinds = {name for name, kind in vars(fsmde.models).items()
             if isinstance(kind, type) and issubclass(kind, DepthDistiller) and name.endswith('KD')}  # fmt: skip
    assert listed == kinds


def test_distillers_of_different_types_stand_side_by_side(scene):
    owners = {}
    for config in DISTILLERS:
        for name in step(config, scene)[0]:
            assert owners.setdefault(name, config['type']) == config['type']


@pytest.fixture(scope='module')
def estimator(tmp_path_factory):
    """A student with a teacher and no distillers yet, and a batch for it."""
    from fsmde.datasets import DDADDataset

    root = write_toy_dgp(tmp_path_factory.mktemp('toy'))
    names = ['LoadSurroundImages', 'LoadSurroundLidar', 'KeepTeacherViews', 'ProjectLidarDepth', 'PackSurroundInputs']
    frames = DDADDataset(data_root=str(root), pipeline=[dict(type=f'mmdet3d.{name}') for name in names])
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='DistilledDepthEstimator',
            backbone=dict(type='mmdet.ResNet', depth=18, base_channels=8),
            neck=dict(type='LightPyramidNeck', channels=8),
            head=dict(type='BinDepthHead', centers='factored', bins=vars_of(BINS), focal_reference=40.0),
            max_depth=80.0,
            teacher=dict(type='HuggingFaceDepthTeacher', model='random-tiny'),
            distillers=[],
        )
    )
    return model, model.data_preprocessor(pseudo_collate([frames[0], frames[1]]))


def vars_of(bins):
    return dict(num_bins=bins.num_bins, min_depth=bins.min_depth, max_depth=bins.max_depth)


@every
@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_takes_a_step(estimator, config, precision):
    model, data = estimator
    channels = model.teacher.feature_channels
    model.distillers = torch.nn.ModuleList([build(config, teacher_channels=channels)])
    model.zero_grad()
    with torch.autocast('cpu', torch.bfloat16, enabled=precision == 'bfloat16'):
        losses = {key: value for key, value in model(**data, mode='loss').items() if key.startswith('loss_kd_')}
    assert losses and all(value.dtype == torch.float32 and value.isfinite() for value in losses.values())
    sum(losses.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert model.backbone.conv1.weight.grad is not None
    assert all(p.grad is not None for p in model.distillers.parameters())


@every
def test_gradients_reach_the_student_and_the_distiller(scene, config):
    _, student, distiller = step(config, scene)
    assert sum(g.abs().sum() for g in student if g is not None) > 0
    assert all(g.abs().sum() > 0 for g in distiller)


@every
def test_nothing_to_learn_from(scene, config):
    scene.target.mask[:] = False
    scene.target.depth[:] = 0
    scene.target.visible[:] = False
    scene.teacher.valid[:] = False
    losses, student, distiller = step(config, scene)
    assert sum(losses.values()) == 0
    assert all((g == 0).all() for g in [*student, *distiller] if g is not None)


@every
def test_a_teacher_scaled_and_shifted_changes_nothing(scene, config):
    before = {key: value.item() for key, value in step(config, scene)[0].items()}
    t = scene.teacher
    scene.teacher = TeacherOutput(3 * t.depth + 7, t.space, t.valid, t.features)
    after = {key: value.item() for key, value in step(config, scene)[0].items()}
    assert after == pytest.approx(before, rel=2e-3, abs=1e-5) and sum(before.values()) > 0


def hide_left_half(scene, value):
    """The scene with its left half hidden from both sides, where all that is given says ``value``; and its leaves."""
    student, teacher, target = scene.student, scene.teacher, scene.target

    def poisoned(x):
        x = x.detach().clone()
        x[..., : x.shape[-1] // 2] = value
        return x

    def shown(mask):
        mask = mask.clone()
        mask[..., : mask.shape[-1] // 2] = False
        return mask

    leaves = [poisoned(x).requires_grad_() for x in (student.depth, student.logits, student.features)]
    scene.student = replace(student, depth=leaves[0], logits=leaves[1], features=leaves[2])
    scene.target = DepthTarget(poisoned(target.depth), shown(target.mask), shown(target.visible))
    scene.teacher = TeacherOutput(
        poisoned(teacher.depth), teacher.space, shown(teacher.valid), poisoned(teacher.features)
    )
    return leaves


@every
@pytest.mark.parametrize('value', [float('nan'), float('inf'), 1e30, -1e30, 0.0])
def test_what_is_hidden_is_hidden_from_losses_and_gradients(scene, config, value):
    """Whatever stands where neither side may look: the losses and gradients are those with a harmless 1 there."""

    def outcome(value):
        kd = build(config)
        leaves = hide_left_half(scene, value)
        torch.manual_seed(1)
        losses = kd.loss(scene.step())
        gradients = torch.autograd.grad(sum(losses.values()), [*leaves, *kd.parameters()], allow_unused=True)
        assert sum(losses.values()) > 0
        return [*losses.values(), *(g for g in gradients if g is not None)]

    for found, expected in zip(outcome(value), outcome(1.0), strict=True):
        torch.testing.assert_close(found, expected)
    # Nothing of the student is moved where nothing is said.
    assert all((g[..., : g.shape[-1] // 2] == 0).all() for g in outcome(value) if g.ndim > 3 and g.shape[-1] % 8 == 0)


@every
def test_features_are_read_only_where_a_cache_is_told_to_keep_them(scene, config):
    if build(config).reads_teacher_features:
        with pytest.raises(ValueError, match=f'{config["type"]}: this teacher offers no features'):
            MODELS.build(dict(config, bins=BINS, student_channels=8))
    else:
        scene.teacher.features = None
        assert sum(step(config, scene)[0].values()) > 0
