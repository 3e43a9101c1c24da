import json

from mmengine.config import Config

from fsmde.kd_benchmark.fingerprint import differences, fingerprint
from fsmde.teacher_cache import TeacherCache


def test_weights_that_training_starts_from_count(tmp_path):
    weights = tmp_path / 'start.pth'
    cfg = Config(dict(model={}, test_dataloader=dict(dataset=dict(data_root=str(tmp_path))), load_from=str(weights)))
    absent = fingerprint(cfg)
    assert absent['load_from'] is None
    weights.write_bytes(b'first')
    first = fingerprint(cfg)
    weights.write_bytes(b'second')
    assert differences(first, fingerprint(cfg)) == ['load_from']
    # What is not on this machine cannot be compared; weights of its own can.
    assert differences(first, absent) == []
    assert differences(first, fingerprint(Config(dict(cfg, load_from=None)))) == ['load_from']
    # Those of a published model's folder.
    (tmp_path / 'model.safetensors').write_bytes(b'first')
    assert differences(first, fingerprint(Config(dict(cfg, load_from=str(tmp_path))))) == []


def test_worlds_that_are_trained_on_and_answers_that_are_read_count(tmp_path):
    for name in ('home', 'elsewhere', 'judged'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'world.json').write_text(json.dumps(dict(seed=name)))
        cache = TeacherCache(tmp_path / name / 'answers')
        cache.begin(
            dict(identity=dict(of='teacher'), space='metric_depth', feature_channels=None, name=name, licence=None)
        )
        cache.finish()
    frames = [
        dict(
            data_root=str(tmp_path / name),
            pipeline=[dict(type='LoadTeacherAnswers', cache=str(tmp_path / name / 'answers'))],
        )
        for name in ('home', 'elsewhere')
    ]
    cfg = Config(
        dict(
            model={},
            train_dataloader=dict(dataset=dict(type='ConcatDataset', datasets=frames)),
            test_dataloader=dict(dataset=dict(data_root=str(tmp_path / 'judged'))),
        )
    )
    first = fingerprint(cfg)
    assert differences(first, fingerprint(cfg)) == []
    (tmp_path / 'elsewhere' / 'world.json').write_text(json.dumps(dict(seed='another')))
    assert differences(first, fingerprint(cfg)) == ['training_worlds']
    path = tmp_path / 'elsewhere' / 'answers' / 'cache.json'
    path.write_text(path.read_text().replace('teacher', 'somebody'))
    assert differences(first, fingerprint(cfg)) == ['training_worlds', 'answers']
    # One of two that is not here: nothing is known.
    path.unlink()
    assert fingerprint(cfg)['answers'] is None


def test_answers_in_metres_count_wherever_they_lie(tmp_path):
    """The folder of a cache in metres says where the relative answers are, as seen from it."""
    found = []
    for place in ('answers', 'deep/answers'):
        about = dict(identity=dict(of='teacher'), space='depth_scale_invariant')
        answers, metres = TeacherCache(tmp_path / place), TeacherCache(tmp_path / 'metres')
        answers.begin(about)
        answers.finish()
        metres.root.mkdir(exist_ok=True)
        description = dict(about, identity=dict(answers=about['identity'], scales=1), answers=f'../{place}')
        (metres.root / 'cache.json').write_text(json.dumps(description))
        cfg = Config(
            dict(model=dict(teacher=dict(cache=str(metres.root))), test_dataloader=dict(dataset=dict(data_root='')))
        )
        found.append(fingerprint(cfg)['teacher'])
    assert found[0] == found[1] is not None
