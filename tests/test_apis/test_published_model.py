import copy
import json
import os
import pickle
import shutil

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from processes import TOOLS
from safetensors.torch import load_file, save_file
from torch import nn
from toy_models import shrink
from toy_run import STUDENT

from fsmde.apis import SurroundDepthInferencer, load_model, publish_folder, push_to_hub
from fsmde.apis.config_text import read_config_text
from fsmde.evaluation.result_files import SCHEMA, hash_of_file
from fsmde.models.architecture import architecture_of, build_architecture


@pytest.fixture
def folder(published, tmp_path):
    """A copy of the published model that a test may spoil."""
    return shutil.copytree(published / 'student', tmp_path / 'student')


def test_a_folder_needs_nothing_else(published):
    assert sorted(path.name for path in (published / 'student').iterdir()) == [
        'README.md',
        'config.json',
        'model.safetensors',
    ]
    config = json.loads((published / 'student/config.json').read_text())
    assert config['fsmde_model'] == 1 and config['input_size'] == [48, 64]
    assert config['cameras'] == ['CAMERA_01', 'CAMERA_05'] and config['origin']['data_set'] == 'ddad'
    assert config['model']['backbone']['type'] == 'mmdet.ResNet'
    assert config['model']['head']['focal_reference'] == 40 and config['model']['head']['bins']['num_bins'] == 16
    assert config['model']['data_preprocessor']['mean'] == [123.675, 116.28, 103.53]
    card = (published / 'student/README.md').read_text()
    assert '`mmdet.ResNet`' in card and config['origin']['checkpoint_sha256'] in card and 'without a teacher' in card
    model = load_model(published / 'student', device='cpu')
    assert not model.training and model.input_size == (48, 64) and model.description == config
    expected = torch.load(published / 'epoch_3.pth', weights_only=True)['state_dict']
    assert model.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in model.state_dict().items())


def test_a_config_with_its_checkpoint_is_the_same_model(published):
    a, b = (
        load_model(published / 'student', device='cpu'),
        load_model(published / 'config.py', published / 'epoch_3.pth', 'cpu'),
    )
    assert b.input_size == (48, 64) and repr(a) == repr(b)
    assert all(torch.equal(value, b.state_dict()[key]) for key, value in a.state_dict().items())


def test_loading_draws_no_random_numbers(published):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    load_model(published / 'student', device='cpu')
    load_model(published / 'config.py', published / 'epoch_3.pth', 'cpu')
    assert torch.equal(torch.rand(2), expected)


CONFIGS = sorted((TOOLS.parent / 'configs').glob('*.py')) + sorted((TOOLS.parent / 'configs/realtime').glob('*.py'))


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_student_can_be_published(path):
    """Its config, the text of it that a checkpoint holds, and back through JSON."""
    config = Config.fromfile(path)
    text = read_config_text(config.pretty_text)
    architecture = json.loads(json.dumps(architecture_of(config.model)))
    assert architecture == json.loads(json.dumps(architecture_of(text.model)))
    assert 'init_cfg' not in str(architecture) and 'teacher' not in architecture
    shrink(config.model)
    small = architecture_of(config.model)
    expected = {key: value for key, value in config.model.items() if key not in ('teacher', 'distillers')}
    expected['head'].pop('loss_depth', None)  # Of training alone.
    built = build_architecture(small)
    assert modules_of(built) == modules_of(MODELS.build(dict(expected, type='BinDepthEstimator')))


def modules_of(model):
    """All modules and their settings, without how weights begin."""
    return [line for line in repr(model).splitlines() if not line.strip().startswith('init_cfg=')]


def change(folder, *path, value):
    config = json.loads((folder / 'config.json').read_text())
    node = config
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    (folder / 'config.json').write_text(json.dumps(config))


@pytest.mark.parametrize(
    'path, value, message',
    [
        (('fsmde_model',), 2, 'version 2 is unknown'),
        (('models',), {}, r"key 'models' is unknown \(did you mean 'model'"),
        (('input_size',), [48], 'input_size: expected'),
        (('input_size',), [10**9, 10**9], 'input_size: expected .* 8192'),
        (('input_size',), [48.5, 64], 'input_size: expected'),
        (('space',), 'metres', "space: expected one of .*found 'metres'"),
        (('cameras',), [1], 'cameras: expected a list of names'),
        (('figures',), None, 'figures: expected dict'),
        (('model', 'type'), 'DistilledDepthEstimator', r'model.type: .*not among the classes'),
        (('model', 'neck', 'type'), 'LightPyramidNek', r"model.neck.type: .*did you mean 'LightPyramidNeck'"),
        (('model', 'backbone', 'type'), 'os.system', r'model.backbone.type: .*not among'),
        (('model', 'backbone', 'type'), ['mmdet.ResNet'], r'model.backbone.type: .*not among'),
        (('model', 'backbone'), 'mmdet.ResNet', 'model.backbone: expected an object'),
        (('model', 'head', 'bins', 'type'), 'DepthBins', 'model.head.bins: a class is not expected here'),
        (('model', 'backbone', 'norm_cfg'), dict(type='mmdet.FPN'), 'model.backbone.norm_cfg.type: .*not among'),
        (('model', 'backbone', 'init_cfg'), dict(type='Pretrained', checkpoint='x'), 'backbone.init_cfg: not allowed'),
        (('model', 'backbone', 'pretrained'), 'x.pth', 'backbone.pretrained: not allowed'),
        (('model', 'backbone', 'style'), '../../etc/passwd', 'backbone.style: .*without a path'),
        (('model', 'backbone', 'style'), 'https://example.org', 'backbone.style: .*without a path'),
        (('model', 'backbone', 'widths'), 3, r"config.json: the architecture cannot be built: .*'widths'"),
        (('model', 'backbone', 'depth'), 19, 'cannot be built'),
        (('model', 'neck', 'channels'), 10**6, 'model.neck.channels: 1000000 is too large'),
        (('model', 'neck', 'channels'), 8000, 'far more parameters than the'),
        (('model', 'neck', 'channels'), 16, r'does not fit the architecture in config.json: \d+ weights differ'),
        (('model', 'head', 'bins', 'num_bins'), 32, 'does not fit'),
        (('model', 'head', 'bins', 'min_depth'), -1.0, 'cannot be built: .*min_depth'),
        (('model', 'backbone', 'strides'), [1] * 1000, 'model.backbone.strides: 1000 items'),
        (('model', 'backbone', 'a b'), 1, "'a b' is no name"),
    ],
)  # fmt: skip
def test_hostile_configs_are_refused(folder, path, value, message):
    change(folder, *path, value=value)
    with pytest.raises(ValueError, match=message) as caught:
        load_model(folder, device='cpu')
    assert str(folder) in str(caught.value) and len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    'text, message',
    [
        ('{"fsmde_model": 1', 'config.json: '),
        ('[]', 'the field fsmde_model is missing'),
        ('{"fsmde_model": 1, "fsmde_model": 1}', "'fsmde_model' is there twice"),
        ('[' * 100_000, 'config.json: '),
        (' ' * (4 * 2**20 + 1), 'at most 4194304 are read'),
    ],
)
def test_broken_configs_are_refused(folder, text, message):
    (folder / 'config.json').write_text(text)
    with pytest.raises(ValueError, match=message):
        load_model(folder, device='cpu')


class Hostile:
    def __reduce__(self):
        return os.system, ('touch executed',)


def test_pickles_are_not_read(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = folder / 'model.safetensors'
    weights.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(ValueError, match='model.safetensors is no safetensors file, or cut'):
        load_model(folder, device='cpu')
    torch.save(dict(state_dict=Hostile()), weights)
    with pytest.raises(ValueError, match='model.safetensors is no safetensors file, or cut'):
        load_model(folder, device='cpu')
    weights.rename(folder / 'model.pth')
    with pytest.raises(FileNotFoundError, match=r"model.safetensors missing; \['model.pth'\] are pickles"):
        load_model(folder, device='cpu')
    assert not (tmp_path / 'executed').exists()


def test_weights_that_do_not_fit_or_are_broken(folder):
    path = folder / 'model.safetensors'
    content, weights = path.read_bytes(), load_file(path)
    path.write_bytes(content[:-100])
    with pytest.raises(ValueError, match='or cut'):
        load_model(folder, device='cpu')
    # A header that declares 8 EiB.
    path.write_bytes((2**63).to_bytes(8, 'little') + content[8:])
    with pytest.raises(ValueError, match='no safetensors file'):
        load_model(folder, device='cpu')
    key = 'head.classifier.bias'
    changed = {k: value for k, value in weights.items() if k != key}
    save_file(dict(changed, extra=torch.ones(2)), path)
    with pytest.raises(
        ValueError, match='2 weights differ, such as extra is not in the model; head.classifier.bias is'
    ):
        load_model(folder, device='cpu')
    save_file(dict(weights, **{key: torch.full_like(weights[key], torch.nan)}), path)
    with pytest.raises(ValueError, match=r"\['head.classifier.bias'\] hold values that are not finite"):
        load_model(folder, device='cpu')


class OwnNeck(nn.Module):
    """A neck of a user's own."""

    def __init__(self, in_channels, channels: int):
        super().__init__()
        self.out_channels = {8: channels}[channels]
        self.conv = nn.Conv2d(in_channels[0], channels, 1)

    def forward(self, levels):
        return self.conv(levels[0])


def test_classes_of_ones_own_must_be_given():
    model = copy.deepcopy(STUDENT)
    model['neck'] = dict(type=OwnNeck, channels=8)
    with pytest.raises(ValueError, match=r'model.neck.type: .*OwnNeck.* classes=\[\.\.\.\]'):
        architecture_of(model)
    architecture = architecture_of(model, (OwnNeck,))
    assert architecture['neck'] == dict(type='OwnNeck', channels=8)
    assert isinstance(build_architecture(architecture, classes=(OwnNeck,)).neck, OwnNeck)
    with pytest.raises(ValueError, match='model.neck.type'):
        build_architecture(architecture)
    architecture['neck']['channels'] = 9
    with pytest.raises(KeyError, match='9'):  # Of the class itself.
        build_architecture(architecture, classes=(OwnNeck,))
    del architecture['neck']['channels']
    with pytest.raises(ValueError, match="cannot be built: .*'channels'"):
        build_architecture(architecture, classes=(OwnNeck,))


def test_names_on_the_hub_come_from_its_cache_without_a_connection(published, tmp_path, monkeypatch):
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path))
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    # As the hub's client lays its cache out.
    commit = '0123456789abcdef0123456789abcdef01234567'
    repo = tmp_path / 'models--someone--student'
    shutil.copytree(published / 'student', repo / 'snapshots' / commit)
    (repo / 'refs').mkdir()
    (repo / 'refs/main').write_text(commit)
    model = load_model('someone/student', device='cpu')
    assert model.description == load_model(published / 'student', device='cpu').description
    with pytest.raises(FileNotFoundError, match="no published model 'someone/other'"):
        load_model('someone/other')


def test_what_is_no_published_model_is_said(published, tmp_path):
    with pytest.raises(FileNotFoundError, match='no published model at nothing'):
        load_model('nothing')
    with pytest.raises(FileNotFoundError, match=r'config.json and model.safetensors missing.*publish_model.py'):
        load_model(tmp_path)
    with pytest.raises(ValueError, match='config.py is a file'):
        load_model(published / 'config.py')
    with pytest.raises(FileNotFoundError, match='nothing.py'):
        load_model('nothing.py', published / 'epoch_3.pth')
    with pytest.raises(FileNotFoundError, match='nothing.pth'):
        load_model(published / 'config.py', 'nothing.pth')


def test_what_predicts_no_depth_is_no_student(tmp_path):
    Config(dict(model=dict(type='mmdet.ResNet', depth=18))).dump(tmp_path / 'config.py')
    with pytest.raises(ValueError, match='the model of .*config.py is a ResNet, expected a depth estimator'):
        load_model(tmp_path / 'config.py', 'detector.pth', 'cpu')


def test_push_uploads_the_three_files(published, monkeypatch):
    import huggingface_hub

    calls = []
    monkeypatch.setattr(huggingface_hub.HfApi, 'create_repo', lambda self, name, **kw: calls.append((name, kw)))
    monkeypatch.setattr(huggingface_hub.HfApi, 'upload_folder', lambda self, **kw: calls.append(kw) or 'address')
    assert push_to_hub(published / 'student', 'someone/student') == 'address'
    assert calls[0] == ('someone/student', dict(private=True, exist_ok=True))
    assert calls[1]['allow_patterns'] == ['config.json', 'model.safetensors', 'README.md']
    with pytest.raises(FileNotFoundError, match='no published model'):
        push_to_hub(published, 'someone/student')


def test_publishing_says_where_a_student_comes_from(published, tmp_path):
    checkpoint = torch.load(published / 'epoch_3.pth', weights_only=True)
    config = read_config_text(checkpoint['meta']['cfg'])
    config.model.update(
        type='DistilledDepthEstimator',
        teacher=dict(type='HuggingFaceDepthTeacher', model='depth-anything/Depth-Anything-V2-Base-hf'),
        distillers=[],
    )
    checkpoint['meta']['cfg'] = config.pretty_text
    checkpoint['state_dict']['distillers.0.weight'] = torch.ones(3)
    torch.save(checkpoint, tmp_path / 'epoch_3.pth')
    metrics = dict(abs_rel=0.123, rmse=4.5, d1=float('nan'))
    entry = dict(settings=dict(max_depth=80.0), frames=7, modes=dict(metric=dict(overall=dict(all=metrics))))
    run = dict(checkpoint_sha256=hash_of_file(tmp_path / 'epoch_3.pth'))
    (tmp_path / 'results.json').write_text(json.dumps(dict(schema=SCHEMA, run=run, protocols=dict(fsmde=entry))))
    folder = publish_folder(
        tmp_path / 'epoch_3.pth', tmp_path / 'out', results=tmp_path / 'results.json', licence='cc-by-nc-4.0'
    )
    config = json.loads((folder / 'config.json').read_text())
    assert config['origin']['teacher'] == dict(name='depth-anything/Depth-Anything-V2-Base-hf', licence='CC-BY-NC-4.0')
    assert config['origin']['epoch'] == 3 and config['origin']['versions']['torch'] == str(torch.__version__)
    assert config['figures']['fsmde']['metric'] == dict(abs_rel=0.123, rmse=4.5, d1=None)
    card = (folder / 'README.md').read_text()
    assert (
        card.startswith('---\nlicense: cc-by-nc-4.0\n')
        and 'CC-BY-NC-4.0' in card
        and '|  | no | fsmde | 7 | 0.123 |' in card
    )
    load_model(folder, device='cpu')
    with pytest.raises(FileExistsError, match='out is there already'):
        publish_folder(tmp_path / 'epoch_3.pth', tmp_path / 'out')
    assert not list(tmp_path.glob('*.tmp'))


@pytest.mark.parametrize(
    'loss, space',
    [
        (dict(type='SILogLoss'), 'depth_metric'),
        (dict(type='ScaleInvariantLoss'), 'depth_scale_invariant'),
        (dict(type='ScaleInvariantLoss', scope='rig'), 'depth_scale_invariant_multi_view'),
    ],
)
def test_a_published_model_says_up_to_what_its_depth_is_right(published, tmp_path, loss, space):
    config = Config.fromfile(published / 'config.py')
    config.model.head.loss_depth = loss
    config.dump(tmp_path / 'config.py')
    folder = publish_folder(published / 'epoch_3.pth', tmp_path / 'out', tmp_path / 'config.py')
    card = (folder / 'README.md').read_text()
    from_training = load_model(tmp_path / 'config.py', published / 'epoch_3.pth', 'cpu')
    assert from_training.description['space'] == load_model(folder, device='cpu').description['space'] == space
    assert ('SurroundDepthInferencer' in card and 'Metric depth' in card) == (space == 'depth_metric')
    if space != 'depth_metric':
        assert f"config='out')  # space: {space}, in no metres" in card
        for arguments in ([folder], [tmp_path / 'config.py', published / 'epoch_3.pth']):
            with pytest.raises(ValueError, match=f'its depth is relative .{space}.'):
                SurroundDepthInferencer(*arguments, device='cpu')


def test_figures_are_those_of_the_weights_and_the_size_that_are_published(published, tmp_path):
    def publish(message, sha256, evaluated=None, **options):
        results = dict(schema=SCHEMA, run=dict(checkpoint='other.pth', checkpoint_sha256=sha256), protocols={})
        results.update(input_size=evaluated)
        (tmp_path / 'results.json').write_text(json.dumps(results))
        with pytest.raises(ValueError, match=message):
            publish_folder(published / 'epoch_3.pth', tmp_path / 'out', results=tmp_path / 'results.json', **options)
        assert not (tmp_path / 'out').exists()

    own = hash_of_file(published / 'epoch_3.pth')
    publish(f'results.json has figures of other.pth .sha256 ab12., .*epoch_3.pth has {own}', 'ab12')
    publish('of other.pth .sha256 None.', None)
    publish(
        'figures at 48x64, the model is published for 96x128: leave out --results, .* 48 64', own, input_size=(96, 128)
    )
    publish('figures at 96x128, the model is published for 48x64', own, evaluated=(96, 128))
    publish('figures at 48x64, the model is published for 96x128', own, evaluated=(48, 64), input_size=(96, 128))


def test_a_card_says_how_its_figures_were_made(published, tmp_path):
    """Flipped or not, on which data, and what was not evaluated: as it was run, whatever the protocol is called."""
    metrics = dict(abs_rel=0.1, rmse=4.5, d1=0.9)
    entry = dict(frames=7, modes=dict(metric=dict(overall=dict(all=metrics))))
    protocols = dict(
        fsmde=dict(entry, settings=dict(flip_augmentation=False)),
        surrounddepth=dict(
            entry, settings=dict(flip_augmentation=True), differences=['max_depth is 80.0'], frames_not_evaluated=3
        ),
    )

    def publish(name, **run):
        run.update(checkpoint_sha256=hash_of_file(published / 'epoch_3.pth'))
        results = dict(schema=SCHEMA, dataset='ddad', input_size=[96, 128], run=run, protocols=protocols)
        (tmp_path / 'results.json').write_text(json.dumps(results))
        folder = publish_folder(
            published / 'epoch_3.pth', tmp_path / name, results=tmp_path / 'results.json', input_size=(96, 128)
        )
        load_model(folder, device='cpu')
        return json.loads((folder / 'config.json').read_text())['figures'], (folder / 'README.md').read_text()

    figures, card = publish('plain', flip_augmentation=False)
    assert '| ddad | no | fsmde | 7 | 0.100 |' in card and 'Mind of `fsmde`' not in card
    assert (
        'Mind of `surrounddepth`: no rule of a published table applies, for max_depth is 80.0; the protocol is with flip '
        'test-time augmentation, the predictions are not; 3 frames of the data set were not evaluated.'
    ) in card
    found = {key: value for key, value in figures['surrounddepth'].items() if key not in ('settings', 'metric')}
    assert found == dict(
        dataset='ddad', flip_augmentation=False, differences=['max_depth is 80.0'], frames=7, frames_not_evaluated=3
    )
    figures, card = publish('flipped', flip_augmentation=True)
    assert figures['fsmde']['flip_augmentation'] is True and '| ddad | yes | fsmde | 7 | 0.100 |' in card
    assert 'Mind of `fsmde`: the protocol is without flip test-time augmentation, the predictions are not.' in card


def test_what_cannot_be_published_is_said(published, tmp_path):
    checkpoint = torch.load(published / 'epoch_3.pth', weights_only=True)
    path = tmp_path / 'epoch_3.pth'

    def publish(message, cfg, **options):
        torch.save(dict(checkpoint, meta=dict(cfg=cfg)), path)
        with pytest.raises(ValueError, match=message):
            publish_folder(path, tmp_path / 'out', **options)
        assert not (tmp_path / 'out').exists()

    text = checkpoint['meta']['cfg']
    publish('does not hold the config .* --config', None)
    publish('line 1 of the config is more than a setting: import os', 'import os\n' + text)
    publish('line 1 of the config is no plain value', 'a = __import__("os").system("touch executed")\n' + text)
    publish('give --size', text.replace('ResizeViews', 'Other').replace('size=', 'sides='))
    publish(
        r'input_size: expected \[height, width\] from 32 to 8192 pixels, found \[0, 96\]', text, input_size=(0, 96)
    )
    publish('of another architecture than its config', text.replace('num_bins=16', 'num_bins=8'))
    assert not os.path.exists('executed')
