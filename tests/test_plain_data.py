import re

import pytest
from processes import TOOLS

from fsmde.plain_data import read_json, read_yaml


@pytest.mark.parametrize(
    'read, broken, message',
    [
        (read_json, '{"a": 1,\n"b": [}', 'file is cut or no JSON: .*line 2'),
        (read_json, '[{"a": 1, "b": 2, "a": 1}]', "file is cut or no JSON: 'a' is there twice"),
        (read_yaml, 'a: 1\nb: [}', 'file is no YAML: (.|\\n)*line 2'),
        (read_yaml, '', 'file is empty or holds neither'),
        (read_yaml, 'a: 1\nb: 2\na: 3', "file is no YAML: line 3: 'a' is there twice"),
        (read_yaml, 'a: &a {x: 1}\nb: {<<: *a,\n<<: *a}', "file is no YAML: line 3: '<<' is there twice"),
        (read_yaml, 'a: 1\n=: 2\n=: 3', "file is no YAML: line 3: '=' is there twice"),
        (read_yaml, 'a: 1\nb: {<<: 2}', 'file is no YAML: line 2: << merges mappings'),
        (read_yaml, 'a: !!int ""', 'file is no YAML'),
        (read_yaml, 'a: 2020-02-30', 'file is no YAML: day is out of range'),
        (read_yaml, 'a: !!bool foo', 'file is no YAML: .*foo'),
        (read_yaml, 'a: !!timestamp foo', 'file is no YAML'),
        (read_yaml, '!!python/object/apply:os.getcwd []', 'file is no YAML: .*constructor'),
        (read_json, '[' * 100_000, 'file is cut or no JSON'),
        (read_yaml, '[' * 5_000, 'file is no YAML'),
    ],
)
def test_a_broken_file_is_named_and_its_line(tmp_path, read, broken, message):
    (tmp_path / 'file').write_text(broken)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / 'file')
    (tmp_path / 'file').write_bytes(b'\xff\xfe\xfa')
    with pytest.raises(ValueError, match='file is (cut or )?no'):
        read(tmp_path / 'file')
    with pytest.raises(FileNotFoundError, match='no such file: .*absent'):
        read(tmp_path / 'absent')
    with pytest.raises(IsADirectoryError, match='is a folder, expected a file'):
        read(tmp_path)


@pytest.mark.parametrize('begin', ['', '\ufeff'])
def test_what_both_read(tmp_path, begin):
    (tmp_path / 'file').write_text(begin + '{"a": [1, 2.5], "b": null}', encoding='utf-8')
    assert read_json(tmp_path / 'file') == read_yaml(tmp_path / 'file') == {'a': [1, 2.5], 'b': None}


@pytest.mark.parametrize('begin', ['', '\n', '\ufeff', '\ufeff# of ours\n'])
def test_opencvs_first_line(tmp_path, begin):
    (tmp_path / 'file').write_text(begin + '%YAML:1.0\n---\na: 1\n', encoding='utf-8')
    assert read_yaml(tmp_path / 'file') == {'a': 1}


def test_keys_that_replace_merged_ones_are_not_there_twice(tmp_path):
    for key in 'x', 'longer':  # A version of the library compares keys by address: short ones have one.
        (tmp_path / 'file').write_text(
            f'a: &a {{{key}: 1}}\nb: &b {{<<: *a, {key}: 2}}\nfront: {{<<: *b, y: 3}}\n'
            f'first: {{<<: [*b, *a]}}\n=: 4\n1: 5\n"1": 6\n'
        )
        a, b, front = {key: 1}, {key: 2}, {key: 2, 'y': 3}
        assert read_yaml(tmp_path / 'file') == {'a': a, 'b': b, 'front': front, 'first': b, '=': 4, 1: 5, '1': 6}


def test_files_are_read_by_what_names_them():
    """But for what is no file of a user, and for one that has rules of its own and names it, too."""
    own = {
        'plain_data.py',
        'apis/published_model.py',
        'gpu_checks/training.py',
        'synthetic/freeze.py',
        'synthetic/frozen.py',
        'teacher_cache/folder.py',
        'analysis_tools/rectified_students.py',
    }
    package = TOOLS.parent / 'projects' / 'fsmde'
    for folder in (TOOLS, package):
        for path in folder.rglob('*.py'):
            if str(path.relative_to(folder)) not in own:
                assert not re.search(r'json\.loads?\b|yaml\.(safe_)?load\b', path.read_text()), path
