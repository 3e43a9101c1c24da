import re

import pytest
from processes import TOOLS

from fsmde.plain_data import read_json, read_yaml


@pytest.mark.parametrize(
    'read, broken, message',
    [
        (read_json, '{"a": 1,\n"b": [}', 'file is cut or no JSON: .*line 2'),
        (read_yaml, 'a: 1\nb: [}', 'file is no YAML: (.|\\n)*line 2'),
        (read_yaml, '', 'file is empty or holds neither'),
        (read_yaml, 'a: 1\nb: 2\na: 3', "file is no YAML: line 3: 'a' is there twice"),
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


def test_what_both_read(tmp_path):
    (tmp_path / 'file').write_text('{"a": [1, 2.5], "b": null}')
    assert read_json(tmp_path / 'file') == read_yaml(tmp_path / 'file') == {'a': [1, 2.5], 'b': None}


def test_yaml_as_opencv_writes_it_and_with_merged_keys(tmp_path):
    (tmp_path / 'file').write_text('%YAML:1.0\n---\na: &base {x: 1, y: 2}\nb: {<<: *base, y: 3}\n')
    assert read_yaml(tmp_path / 'file') == {'a': {'x': 1, 'y': 2}, 'b': {'x': 1, 'y': 3}}


def test_files_are_read_by_what_names_them():
    """But for what is no file of a user, and for one that has rules of its own and names it, too."""
    own = {'plain_data', 'published_model', 'frozen', 'freeze', 'cache', 'training'}
    package = TOOLS.parent / 'projects' / 'fsmde'
    for path in (*TOOLS.rglob('*.py'), *package.rglob('*.py')):
        if path.stem not in own:
            assert not re.search(r'(json|yaml)\.(safe_)?loads?\(', path.read_text()), path
