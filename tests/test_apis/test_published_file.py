import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MMLogger
from processes import load_tool

from fsmde.apis import publish_file
from fsmde.evaluation.result_files import SCHEMA


def save_checkpoint(path, state_dict, **more):
    """A checkpoint as mmengine writes it: with an optimizer, HistoryBuffers and numpy in it."""
    history = HistoryBuffer([0.5, 0.25], [1, 1])
    meta = dict(
        cfg='depth = 7\n', epoch=3, iter=30, seed=0, dataset_meta=dict(max_depth=np.float64(80), cams=('a', 'b'))
    )
    checkpoint = dict(
        meta=dict(meta, hook_msgs=dict(best_ckpt='/somewhere/private.pth')),
        state_dict=state_dict,
        optimizer=dict(state={0: torch.ones(1000)}),
        message_hub=dict(log_scalars={'train/loss': history}, runtime_info={}, resumed_keys={}),
    )
    torch.save(dict(checkpoint, **more), path)
    return path


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def distilled_weights():
    return {
        'backbone.conv1.weight': torch.arange(4.0),
        'head.bias': torch.tensor([2.0]),
        'distillers.0.adapter.weight': torch.ones(100),
        'teacher.weight': torch.ones(100),
    }


def test_the_student_alone_is_published(tmp_path):
    path = publish_file(
        save_checkpoint(tmp_path / 'epoch_3.pth', distilled_weights()), tmp_path / 'new' / 'student.pth'
    )
    content = torch.load(path, weights_only=True)
    assert list(content) == ['state_dict', 'meta']
    assert list(content['state_dict']) == ['backbone.conv1.weight', 'head.bias']
    assert content['state_dict']['backbone.conv1.weight'].tolist() == [0, 1, 2, 3]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_name_holds_the_hash_of_the_file(tmp_path):
    path = publish_file(save_checkpoint(tmp_path / 'a.pth', distilled_weights()), tmp_path / 'student.pth')
    assert path.name == f'student-{sha256_of(path)[:8]}.pth'


def test_meta_says_where_the_weights_come_from(tmp_path):
    source = save_checkpoint(tmp_path / 'a.pth', distilled_weights())
    figures = dict(schema=SCHEMA, run=dict(checkpoint_sha256=sha256_of(source)), protocols=dict(fsmde=dict(frames=7)))
    results = tmp_path / 'results.json'
    results.write_text(json.dumps(figures))
    meta = torch.load(publish_file(source, tmp_path / 'b.pth', results=results), weights_only=True)['meta']
    assert json.loads(json.dumps(meta)) == meta
    assert meta['config'] == 'depth = 7\n' and meta['epoch'] == 3 and meta['averaged'] is False
    assert meta['dataset_meta'] == dict(max_depth=80.0, cams=['a', 'b'])
    assert meta['results'] == figures
    assert 'private' not in str(meta)


def test_the_teachers_licence_stands_in_the_file_and_is_said(tmp_path, monkeypatch):
    messages = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', messages.append)
    source = save_checkpoint(tmp_path / 'a.pth', distilled_weights())
    with pytest.raises(ValueError, match='knows of a teacher: leave --teacher-licence out'):
        publish_file(source, tmp_path / 'b.pth', teacher_licence='cc-by-nc-4.0')
    content = torch.load(source, weights_only=False)
    content['meta']['teacher'] = dict(name='someone', licence=None)
    torch.save(content, source)
    arguments = ['publish_model.py', str(source), str(tmp_path / 'b.pth'), '--licence', 'mit']
    monkeypatch.setattr(sys, 'argv', [*arguments, '--teacher-licence', 'cc-by-nc-4.0'])
    load_tool('model_converters/publish_model.py').main()
    (path,) = tmp_path.glob('b-*.pth')
    meta = torch.load(path, weights_only=True)['meta']
    assert meta['teacher'] == dict(name='someone', licence='cc-by-nc-4.0') and meta['licence'] == 'mit'
    assert len(messages) == 1 and 'the teacher someone comes under cc-by-nc-4.0' in messages[0]


def test_a_config_file_replaces_the_text_in_the_checkpoint(tmp_path):
    (tmp_path / 'config.py').write_text('width = 9\n')
    source = save_checkpoint(tmp_path / 'a.pth', distilled_weights())
    path = publish_file(source, tmp_path / 'b.pth', config=tmp_path / 'config.py')
    assert torch.load(path, weights_only=True)['meta']['config'].strip() == 'width = 9'


@pytest.mark.parametrize('without_ema, value', [(False, 1.0), (True, 5.0)])
def test_the_moving_average_is_published_unless_told_otherwise(tmp_path, without_ema, value):
    # mmengine's EMAHook swaps the two when it saves.
    average, last = (
        {'head.bias': torch.tensor([1.0])},
        {'module.head.bias': torch.tensor([5.0]), 'steps': torch.tensor(3)},
    )
    source = save_checkpoint(tmp_path / 'a.pth', average, ema_state_dict=last)
    content = torch.load(publish_file(source, tmp_path / 'b.pth', without_ema=without_ema), weights_only=True)
    assert content['state_dict'].keys() == {'head.bias'} and content['state_dict']['head.bias'].item() == value
    assert content['meta']['averaged'] is not without_ema


@pytest.mark.parametrize(
    'without_ema, message', [(False, 'has figures of b.pth .*a.pth has'), (True, 'moving average')]
)
def test_figures_of_other_weights_are_refused(tmp_path, without_ema, message):
    last = {'module.head.bias': torch.tensor([5.0])}
    source = save_checkpoint(tmp_path / 'a.pth', {'head.bias': torch.tensor([1.0])}, ema_state_dict=last)
    run = dict(checkpoint='b.pth', checkpoint_sha256=sha256_of(source) if without_ema else 'ab12')
    (tmp_path / 'results.json').write_text(json.dumps(dict(schema=SCHEMA, run=run, protocols={})))
    with pytest.raises(ValueError, match=message):
        publish_file(source, tmp_path / 'out.pth', results=tmp_path / 'results.json', without_ema=without_ema)
    assert not list(tmp_path.glob('out*'))


def test_a_view_is_written_without_what_it_views(tmp_path):
    source = save_checkpoint(tmp_path / 'a.pth', {'head.bias': torch.zeros(1_000_000)[:2]})
    assert publish_file(source, tmp_path / 'b.pth').stat().st_size < 10_000


def test_what_cannot_be_published_is_said(tmp_path):
    torch.save(dict(weights=1), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='state_dict'):
        publish_file(tmp_path / 'a.pth', tmp_path / 'b.pth')
    # Of a student in a detector the whole detector was written, with its distillers.
    for name in ('distillers.0.weight', 'student.head.bias', 'backbone.conv1.weight'):
        source = save_checkpoint(tmp_path / 'a.pth', {name: torch.ones(1)})
        with pytest.raises(ValueError, match=f'holds no student, .* its own are under {name.split(".")[0]}'):
            publish_file(source, tmp_path / 'b.pth')
    source = save_checkpoint(tmp_path / 'a.pth', distilled_weights())
    with pytest.raises(ValueError, match='without-ema'):
        publish_file(source, tmp_path / 'b.pth', without_ema=True)


def run_python(code, *arguments):
    done = subprocess.run([sys.executable, '-c', code, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_torch_alone_loads_it(tmp_path):
    path = publish_file(save_checkpoint(tmp_path / 'a.pth', distilled_weights()), tmp_path / 'b.pth')
    code = (
        'import sys, torch; content = torch.load(sys.argv[1], weights_only=True); '
        'print(sorted(content["state_dict"]), {"fsmde", "mmengine"} & set(sys.modules))'
    )
    assert run_python(code, path).strip() == "['backbone.conv1.weight', 'head.bias'] set()"


STOCK_CONFIG = """
model = dict(
    type='MVXFasterRCNN',
    data_preprocessor=dict(type='Det3DDataPreprocessor'),
    img_backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        base_channels=8,
        init_cfg=dict(type='Pretrained', checkpoint={path!r}, prefix='backbone.')))
"""

LOAD_STOCK = """
import sys, torch
from mmengine.config import Config
from mmdet3d.registry import MODELS
from mmengine.registry import init_default_scope
init_default_scope('mmdet3d')
model = MODELS.build(Config.fromfile(sys.argv[1]).model)
model.init_weights()
published = torch.load(sys.argv[2], weights_only=True)['state_dict']
loaded = model.img_backbone.state_dict()
published = {key.removeprefix('backbone.'): value for key, value in published.items() if key.startswith('backbone.')}
same = [torch.equal(loaded[key], value) for key, value in published.items()]
print('fsmde' in sys.modules, len(same) == len(loaded), all(same))
"""


@pytest.mark.ops
def test_a_stock_mmdet3d_config_takes_the_backbone(tmp_path):
    from mmdet.models.backbones import ResNet

    backbone = ResNet(depth=18, base_channels=8)
    torch.nn.init.constant_(backbone.conv1.weight, 0.125)
    weights = {f'backbone.{key}': value for key, value in backbone.state_dict().items()}
    weights['head.bias'] = torch.zeros(1)
    path = publish_file(save_checkpoint(tmp_path / 'a.pth', weights), tmp_path / 'b.pth')
    (tmp_path / 'stock.py').write_text(STOCK_CONFIG.format(path=str(path)))
    assert run_python(LOAD_STOCK, tmp_path / 'stock.py', path).split()[-3:] == ['False', 'True', 'True']
