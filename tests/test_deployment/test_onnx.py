"""Exported graphs, on small students: what torch says, onnxruntime says too."""

import hashlib
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from toy_models import shrink

from fsmde.deployment import DeployableEstimator, OnnxSession, check_parity, export_onnx
from fsmde.models import BinDepthEstimator

onnx = pytest.importorskip('onnx')
SIZE = (48, 64)
BINS = dict(type='BinDepthHead', bins=dict(num_bins=8, min_depth=0.5, max_depth=80.0), focal_reference=40.0)
RESNET = dict(type='mmdet.ResNet', depth=18, base_channels=8)
ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'deployment' / 'export_onnx.py'
# Made thin, the other ResNets are the same as ResNet-18; EfficientNet-Lite0 is in the first.
FAMILY = ['cspnext_tiny', 'efficientnet_lite0_stride8', 'mobilenetv2', 'regnetx_400mf', 'resnet18']
STUDENTS = [
    'fsmde_sup_ddad',
    *(f'realtime/fsmde_rt_{name}_ddad' for name in FAMILY),
    'realtime/unet_resnet18_ddad',
]


def student(backbone=RESNET, head=BINS, **normalisation):
    """A student whose BatchNorms have seen something."""
    torch.manual_seed(0)
    parts = dict(backbone=backbone, neck=dict(type='LightPyramidNeck', channels=8), head=head)
    preprocessor = dict(type='SurroundDataPreprocessor', **normalisation)
    return with_seen_statistics(
        MODELS.build(dict(type='BinDepthEstimator', **parts, max_depth=80.0, data_preprocessor=preprocessor))
    )


def with_seen_statistics(model):
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return model


def frame(B=1, N=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (B, N, *SIZE, 3), dtype=np.uint8), rng.uniform(20, 60, (B, N)).astype(np.float32)


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp('onnx') / 'student.onnx'
    deployable = DeployableEstimator(student(), with_bins=True)
    export_onnx(deployable, path, SIZE)
    return path, deployable


def test_folding_changes_nothing_and_leaves_no_batchnorm():
    model = student()
    deployable = DeployableEstimator(model)
    assert model.training and not deployable.head.training
    assert not any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in deployable.modules())
    images, fx = map(torch.from_numpy, frame())
    model.eval()
    normalised = model.data_preprocessor.normalize(images.permute(0, 1, 4, 2, 3))
    expected = model.extract(normalised, torch.diag_embed(fx[..., None].expand(1, 2, 3))).depth
    torch.testing.assert_close(deployable(images, fx), expected, rtol=1e-4, atol=0)


class RectifyingNorm(torch.nn.BatchNorm2d):
    """A BatchNorm with the activation in it, as timm's BatchNormAct2d."""

    def forward(self, x):
        return super().forward(x).relu()


def test_a_norm_that_does_more_is_not_folded():
    model = student()
    block = model.backbone.layer1[0]
    norm = RectifyingNorm(8)
    norm.load_state_dict(block.bn2.state_dict())
    block.bn2 = norm
    model.eval()
    images, fx = map(torch.from_numpy, frame())
    cam2img = fx[..., None, None].expand(-1, -1, 3, 3)
    with torch.no_grad():
        views = model.data_preprocessor.normalize(images.permute(0, 1, 4, 2, 3))
        expected = model.extract(views, cam2img).depth
        torch.testing.assert_close(DeployableEstimator(model)(images, fx), expected, rtol=1e-4, atol=1e-4)


class DoublingEstimator(BinDepthEstimator):
    def extract(self, *args):
        output = super().extract(*args)
        output.depth = 2 * output.depth
        return output


def test_an_estimator_that_adds_something_of_its_own_is_refused():
    model = student()
    model.__class__ = DoublingEstimator
    with pytest.raises(ValueError, match='DoublingEstimator predicts in a way of its own'):
        DeployableEstimator(model)


def test_reduced_precision_keeps_the_expectation_in_float32():
    deployable = DeployableEstimator(student(), with_bins=True)
    reduced = DeployableEstimator(student(), with_bins=True, dtype=torch.bfloat16)
    inputs = [torch.from_numpy(value) for value in frame()]
    found, expected = reduced(*inputs), deployable(*inputs)
    assert all(value.dtype == torch.float32 for value in found)
    assert 0 < ((found[0] - expected[0]).abs() / expected[0]).max() < 0.05


def test_parity_at_any_batch_size_and_camera_count(exported):
    path, deployable = exported
    session = OnnxSession(path, threads=1)
    assert session.inputs == ['images', 'fx'] and session.outputs == ['depth', 'probabilities', 'centers']
    assert check_parity(session, deployable, SIZE) < 1e-4
    depth, probabilities, centers = session(*frame(3, 5))
    assert depth.shape == (3, 5, *SIZE) and probabilities.shape == (3, 5, 8, 12, 16) and centers.shape == (3, 5, 8)
    np.testing.assert_allclose(probabilities.sum(2), 1, rtol=1e-5)


def test_inputs_of_another_kind_are_refused(exported):
    path, images, fx = exported[0], *frame()
    with pytest.raises(ValueError, match='images must be uint8 of .*48, 64, 3.*, found float32'):
        OnnxSession(path, threads=1)((images / 255).astype(np.float32), fx)
    session = OnnxSession(path, threads=1)
    torch.testing.assert_close(session(torch.from_numpy(images), fx)[0], session(images, fx)[0])


def test_a_provider_that_is_not_there_is_no_provider_of_another_device(exported):
    with pytest.warns(UserWarning, match='is not in available provider names'):
        with pytest.raises(ImportError, match='cannot use NoSuchProvider here, and would run on CPU'):
            OnnxSession(exported[0], providers=(('NoSuchProvider', {}), 'CPUExecutionProvider'))


def test_twice_the_focal_length_is_twice_the_depth(exported):
    images, fx = frame()
    session = OnnxSession(exported[0], threads=1)
    np.testing.assert_allclose(session(images, 2 * fx)[0], 2 * session(images, fx)[0], rtol=1e-5)


def test_a_difference_is_named(exported):
    path, _ = exported
    other = DeployableEstimator(student(head=dict(BINS, focal_reference=50.0)), with_bins=True)
    with pytest.raises(ValueError, match='depth by 0.25 for 1 frames of 1 cameras'):
        check_parity(OnnxSession(path, threads=1), other, SIZE)


def test_float16(exported, tmp_path):
    from fsmde.deployment.onnx_float16 import to_float16

    path, deployable = exported
    to_float16(path, tmp_path / 'half.onnx')
    assert (tmp_path / 'half.onnx').stat().st_size < 0.7 * path.stat().st_size
    session = OnnxSession(tmp_path / 'half.onnx', threads=1)
    assert check_parity(session, deployable, SIZE, tolerance=5e-3) > 1e-6
    assert all(value.dtype == np.float32 for value in session(*frame()))


@pytest.mark.parametrize('half', [False, True])
def test_the_images_bytes_are_cast_and_nothing_else(exported, tmp_path, half):
    # As TensorRT has it: https://github.com/NVIDIA/TensorRT/issues/3985.
    from fsmde.deployment.onnx_float16 import to_float16

    path, _ = exported
    if half:
        to_float16(path, tmp_path / 'half.onnx')
        path = tmp_path / 'half.onnx'
    graph = onnx.load(path).graph
    assert [node.op_type for node in graph.node if 'images' in node.input] == ['Cast']
    assert [value.name for value in graph.input if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8] == [
        'images'
    ]


@pytest.mark.parametrize('name', STUDENTS)
def test_shipped_students(name, tmp_path):
    """Folded without a BatchNorm left, and the same in ONNX Runtime."""
    init_default_scope('mmdet3d')
    model = Config.fromfile(ROOT / f'configs/{name}.py').model
    shrink(model)
    estimator = with_seen_statistics(MODELS.build(model))
    deployable = DeployableEstimator(estimator)
    assert not any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in deployable.modules())
    images, fx = map(torch.from_numpy, frame(1, 1))
    estimator.eval()
    normalised = estimator.data_preprocessor.normalize(images.permute(0, 1, 4, 2, 3))
    expected = estimator.extract(normalised, torch.diag_embed(fx[..., None].expand(1, 1, 3))).depth
    torch.testing.assert_close(deployable(images, fx), expected, rtol=1e-4, atol=0)
    export_onnx(deployable, tmp_path / 'student.onnx', SIZE)
    assert check_parity(OnnxSession(tmp_path / 'student.onnx', threads=1), deployable, SIZE) < 1e-4


def test_mistakes_are_named(tmp_path):
    with pytest.raises(ValueError, match='has no bins'):
        DeployableEstimator(student(head=dict(type='RegressionDepthHead')), with_bins=True)
    with pytest.raises(ValueError, match='export in float32'):
        export_onnx(DeployableEstimator(student(), dtype=torch.bfloat16), tmp_path / 'x.onnx', SIZE)


@pytest.fixture
def run_tool(toy_dgp, tmp_path, monkeypatch, capsys):
    """A function that runs the tool on a distilled student with arguments behind the name of the graph; what it prints."""
    model = dict(
        type='DistilledDepthEstimator',
        backbone=RESNET,
        neck=dict(type='LightPyramidNeck', channels=8),
        head=dict(BINS, scope='rig'),
        max_depth=80.0,
        teacher=dict(type='HuggingFaceDepthTeacher', model='not/there'),
        distillers=[],
    )
    names = ('LoadSurroundImages', 'LoadSurroundLidar', 'ProjectLidarDepth', 'PackSurroundInputs')
    pipeline = [dict(type=name) for name in names]
    pipeline.insert(2, dict(type='ResizeViews', size=SIZE))
    loader = dict(dataset=dict(type='DDADDataset', data_root='', pipeline=pipeline))
    cfg = Config(dict(model=model, train_dataloader=loader, test_dataloader=loader))
    cfg.dump(tmp_path / 'config.py')
    torch.save(dict(state_dict=student().state_dict()), tmp_path / 'student.pth')

    def run(*arguments):
        arguments = [tmp_path / 'config.py', tmp_path / 'student.pth', *arguments, '--data-root', toy_dgp]
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
        runpy.run_path(str(TOOL), run_name='__main__')
        return capsys.readouterr().out

    return run


def test_tool(run_tool, tmp_path):
    out = tmp_path / 'out' / 'student.onnx'
    # Another size than the config's: frames are brought to it.
    printed = run_tool(out, '--float16', '--int8', '--size', 64, 96)
    assert 'calibrated on 3 frames of the training set' in printed  # All of them, not the 64 that are asked for.
    assert 'differs from torch by at most' in printed and 'student_int8.onnx: AbsRel' in printed
    assert sorted(path.name for path in out.parent.iterdir()) == [
        'student.onnx',
        'student_float16.onnx',
        'student_int8.onnx',
    ]
    expected = hashlib.sha256((tmp_path / 'student.pth').read_bytes()).hexdigest()
    for path in out.parent.iterdir():
        said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        assert said['fsmde.checkpoint_sha256'] == expected, path.name


def test_a_size_that_is_none(run_tool, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_tool(tmp_path / 'student.onnx', '--size', 0, 64)
    assert '--size must be a positive height and width, found [0, 64]' in capsys.readouterr().err


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['a', 'b', 'x.onnx', '--frames', '-1'], '--frames and --test-frames must be 1 or more, found -1 and 100'),
        (
            ['student', 'x.onnx', '--cfg-options', 'model.max_depth=8'],
            '--cfg-options is for a config: .*found student',
        ),
        (['student', 'x.onnx', '--data-root', 'data'], '--data-root is for a config: give that and the checkpoint'),
        (['student', 'x.onnx', '--int8'], '--int8 is for a config: give that and the checkpoint'),
    ],
)
def test_options_that_nobody_would_read(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *arguments])
    with pytest.raises(SystemExit):
        runpy.run_path(str(TOOL), run_name='__main__')
    assert re.search(message, capsys.readouterr().err)


def test_the_tool_replaces_graphs_when_told_and_names_those_that_stay(run_tool, tmp_path):
    out, other = tmp_path / 'student.onnx', tmp_path / 'student_int8.onnx'
    for path in (out, other):
        path.write_text('of before')
        with pytest.raises(SystemExit, match=f'there already: {path}. Name another file, or --overwrite'):
            run_tool(out)
        if path is out:
            path.unlink()
    assert not out.exists() and other.read_text() == 'of before'
    out.write_text('of before')
    assert f'Warning: {other} is of an earlier export' in run_tool(out, '--overwrite')
    onnx.load(out)
    assert other.read_text() == 'of before'


def test_the_tool_writes_nothing_of_a_graph_that_differs(run_tool, tmp_path, monkeypatch):
    def differs(*args):
        raise ValueError('the exported graph differs from the model')

    monkeypatch.setattr('fsmde.deployment.check_parity', differs)
    out = tmp_path / 'student.onnx'
    out.write_text('of before')
    with pytest.raises((SystemExit, ValueError), match='differs from the model'):
        run_tool(out, '--float16', '--overwrite')
    assert out.read_text() == 'of before'
    assert sorted(path.name for path in tmp_path.glob('student*')) == ['student.onnx', 'student.pth']


def test_a_checkpoint_in_the_place_of_the_graph_stays(run_tool, tmp_path):
    before = (tmp_path / 'student.pth').read_bytes()
    with pytest.raises(SystemExit, match=r'student.pth: the graph to write comes last and is named \*.onnx'):
        run_tool(tmp_path / 'student.pth', '--overwrite')
    assert (tmp_path / 'student.pth').read_bytes() == before
