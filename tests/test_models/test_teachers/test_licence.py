"""A teacher's licence travels: from its card to the log, the checkpoint, the published student and what learns from that."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from toy_run import distilled, toy_config

from fsmde.apis.publishing import publish_folder
from fsmde.apis.teacher_origin import teacher_of
from fsmde.engine.checkpoint_hook import AtomicCheckpointHook
from fsmde.models.teachers import MODEL_ZOO, EstimatorTeacher, HuggingFaceDepthTeacher
from fsmde.models.teachers.licence import is_non_commercial, joined, licence_in_card
from fsmde.models.teachers.zoo import DA3_ZOO, licence_of, short_name


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


@pytest.fixture
def warnings(monkeypatch):
    messages = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', messages.append)
    return messages


@pytest.mark.parametrize(
    'licence, expected',
    [
        ('CC-BY-NC-4.0', True),
        ('cc-by-nc-sa-4.0', True),
        ('CC BY-NC 4.0', True),
        ('Non-Commercial', True),
        ('for research only', True),
        ('research-only', True),
        ('apple-amlr', True),
        ('Academic use', True),
        ('Apache-2.0', False),
        ('MIT', False),
        ('cncf', False),
        (None, False),
    ],
)
def test_which_licences_forbid_commercial_use(licence, expected):
    assert is_non_commercial(licence) == expected


def test_of_the_published_models_those_that_say_so():
    found = [name for name, entry in {**MODEL_ZOO, **DA3_ZOO}.items() if is_non_commercial(entry.licence)]
    assert found.pop(found.index('apple/DepthPro-hf'))
    assert len(found) == 6 and all('Base' in n or 'Large' in n or 'LARGE' in n or 'GIANT' in n for n in found)


@pytest.mark.parametrize(
    'name, expected',
    [
        ('depth_anything_v2_vits.pth', 'Apache-2.0'),
        ('depth_anything_v2_vitb.pth', 'CC-BY-NC-4.0'),
        ('depth_anything_v2_vitl.pth', 'CC-BY-NC-4.0'),
        ('depth_anything_v2_metric_vkitti_vitl.pth', 'CC-BY-NC-4.0'),
        ('my_vitl.pth', None),
    ],
)
def test_official_files_have_the_licence_of_their_encoder(name, expected):
    assert licence_of(f'checkpoints/{name}') == expected


def test_of_several_what_is_not_known_is_not_forgotten():
    assert joined(['Apache-2.0', None]) == joined([None, 'Apache-2.0', None]) == 'Apache-2.0 and one that is not known'
    assert joined([joined(['MIT', None]), None]) == 'MIT and one that is not known'
    assert joined(['MIT', 'MIT']) == 'MIT' and joined([None, None]) is None and joined([]) is None


def test_training_says_once_that_a_licence_is_not_known(monkeypatch):
    said = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'info', said.append)
    unknown = dict(type='ToyTeacher')
    both = dict(type='SeveralTeachers', teachers=[unknown, dict(type='ToyRigTeacher')])
    for teacher, times in ((unknown, 1), (both, 1), (dict(type='ToyRigTeacher'), 0)):
        said.clear()
        MODELS.build(distilled(teacher, []))
        assert sum('licence not known' in message for message in said) == times


def test_the_card_beside_the_weights(tmp_path):
    (tmp_path / 'README.md').write_text('---\ntags: [depth]\nlicense: cc-by-nc-4.0\n---\n\nlicense: mit\n')
    assert licence_in_card(tmp_path) == 'cc-by-nc-4.0' == licence_of(str(tmp_path))
    (tmp_path / 'README.md').write_text('license: mit\n')
    assert licence_in_card(tmp_path) is None and licence_in_card(tmp_path / 'absent') is None
    assert licence_of('Intel/zoedepth-kitti') == 'MIT' and licence_of('random-tiny') is None
    assert short_name('/home/me/checkpoints/small/') == 'small' and short_name('a/b') == 'a/b'


def test_the_transformers_teacher(tmp_path):
    teacher = HuggingFaceDepthTeacher('random-tiny', licence='cc-by-nc-4.0')
    assert teacher.licence == 'cc-by-nc-4.0' and teacher.name == 'random-tiny'
    teacher.network.save_pretrained(tmp_path)
    (tmp_path / 'README.md').write_text('---\nlicense: apache-2.0\n---\n')
    assert HuggingFaceDepthTeacher(str(tmp_path)).licence == 'apache-2.0'


def test_training_says_it_once_and_loudly(warnings):
    MODELS.build(distilled(dict(type='ToyTeacher')))
    assert not warnings
    MODELS.build(distilled(dict(type='ToyRigTeacher')))
    assert (
        len(warnings) == 1
        and 'NOT FOR COMMERCIAL USE: the teacher ToyRigTeacher comes under CC-BY-NC-4.0' in warnings[0]
    )


@pytest.fixture
def checkpoint(tmp_path):
    """As the hook leaves it of a run with a non-commercial teacher."""
    config = toy_config(tmp_path, distilled(dict(type='ToyRigTeacher'), []))
    model = MODELS.build(config.model)
    content = dict(state_dict=model.state_dict(), meta=dict(cfg=config.pretty_text, epoch=1))
    wrapped = torch.nn.ModuleDict(dict(module=model))
    AtomicCheckpointHook().before_save_checkpoint(SimpleNamespace(model=wrapped), content)
    assert content['meta']['teacher'] == dict(name='ToyRigTeacher', licence='CC-BY-NC-4.0')
    torch.save(content, tmp_path / 'epoch_1.pth')
    config.dump(tmp_path / 'config.py')
    return tmp_path / 'epoch_1.pth'


def test_from_checkpoint_to_card_and_to_the_next_student(checkpoint, tmp_path, warnings):
    folder = publish_folder(checkpoint, tmp_path / 'student', licence='apache-2.0')
    assert len(warnings) == 1 and 'the licence of these weights is apache-2.0' in warnings[0]
    origin = json.loads((folder / 'config.json').read_text())['origin']
    assert (
        origin['teacher'] == dict(name='ToyRigTeacher', licence='CC-BY-NC-4.0') and origin['licence'] == 'apache-2.0'
    )
    card = (folder / 'README.md').read_text()
    assert (
        'Distilled from `ToyRigTeacher`, whose licence is: **CC-BY-NC-4.0, which is not for commercial use**' in card
    )
    stated = dict(type='EstimatorTeacher', config=str(folder))
    assert teacher_of(dict(teacher=stated)) == dict(name='student', licence='apache-2.0 and CC-BY-NC-4.0')
    teacher = EstimatorTeacher(str(folder))
    assert teacher.licence == 'apache-2.0 and CC-BY-NC-4.0' and teacher.name == 'student'
    from_training = EstimatorTeacher(Config.fromfile(tmp_path / 'config.py'), str(checkpoint))
    assert from_training.licence == 'CC-BY-NC-4.0' and from_training.name == 'config'
    assert EstimatorTeacher(str(Path(__file__).parents[3] / 'models/mini_teacher')).licence == 'apache-2.0'
    publish_folder(checkpoint, tmp_path / 'honest', licence='cc-by-nc-4.0')
    assert len(warnings) == 1


def test_of_a_checkpoint_that_does_not_say_it_the_config_does(checkpoint, tmp_path):
    stated = dict(type='HuggingFaceDepthTeacher', model='/data/mine', licence='research only')
    known = dict(type='HuggingFaceDepthTeacher', model='depth-anything/Depth-Anything-V2-Small-hf')
    several = dict(type='SeveralTeachers', teachers=[known, stated], combine='choice')
    assert teacher_of(dict(teacher=stated)) == dict(name='mine', licence='research only')
    assert teacher_of(dict(teacher=several)) == dict(
        name='choice of depth-anything/Depth-Anything-V2-Small-hf, mine', licence='Apache-2.0 and research only'
    )
    gone = dict(type='CachedTeacher', cache=str(tmp_path / 'gone'), teacher=stated)
    assert teacher_of(dict(teacher=gone)) == dict(name='mine', licence='research only')
    assert teacher_of(dict(teacher=dict(gone, teacher=None))) == dict(name='CachedTeacher', licence=None)
    assert teacher_of({}) is None
    # An older checkpoint, as a teacher and when it is published.
    content = torch.load(checkpoint, weights_only=True)
    del content['meta']['teacher']
    config = Config.fromfile(tmp_path / 'config.py')
    config.model.teacher = several
    content['meta']['cfg'] = config.pretty_text
    torch.save(content, checkpoint)
    assert EstimatorTeacher(config, str(checkpoint)).licence == 'Apache-2.0 and research only'
    origin = json.loads((publish_folder(checkpoint, tmp_path / 'out') / 'config.json').read_text())['origin']
    assert origin['teacher']['licence'] == 'Apache-2.0 and research only'


def test_a_cache_knows_the_licence(toy_dgp, tmp_path, monkeypatch, warnings):
    from test_cached import ALIGNED, cached, config, write_cache

    live = config(toy_dgp, ALIGNED, dict(type='ToyRigTeacher'))
    cache = write_cache(live, tmp_path)
    warnings.clear()
    of_before = dict(type='CachedTeacher', cache=str(cache))
    assert teacher_of(dict(teacher=of_before)) == dict(name='ToyRigTeacher', licence='CC-BY-NC-4.0')
    teacher = MODELS.build(cached(live, cache, None).model).teacher
    assert (teacher.name, teacher.licence) == ('ToyRigTeacher', 'CC-BY-NC-4.0') and len(warnings) == 1
    # Built where its model card is not, and under a name of this machine, the teacher that wrote the cache knows less of it.
    toy = type(MODELS.build(dict(type='ToyRigTeacher')))
    monkeypatch.setattr(toy, 'name', 'a folder')
    for known, licence in ((None, 'CC-BY-NC-4.0'), ('MIT', 'MIT')):
        monkeypatch.setattr(
            toy, 'licence', property(lambda self, known=known: known, lambda self, value: None), raising=False
        )
        teacher = MODELS.build(cached(live, cache, dict(type='ToyRigTeacher')).model).teacher
        assert (teacher.name, teacher.licence) == ('ToyRigTeacher', licence)
