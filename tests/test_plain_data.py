import pytest

from fsmde.plain_data import read_json, read_yaml


@pytest.mark.parametrize(
    'read, broken, message',
    [
        (read_json, '{"a": 1,\n"b": [}', 'file is cut or no JSON: .*line 2'),
        (read_yaml, 'a: 1\nb: [}', 'file is no yaml: (.|\\n)*line 2'),
        (read_yaml, '', 'file is empty or holds neither'),
        (read_yaml, 'a: 2020-02-30', 'file is no yaml: day is out of range'),
        (read_yaml, 'a: !!bool foo', 'file is no yaml: .*foo'),
        (read_yaml, 'a: !!timestamp foo', 'file is no yaml'),
        (read_yaml, '!!python/object/apply:os.getcwd []', 'file is no yaml: .*constructor'),
        (read_json, '[' * 100_000, 'file is cut or no JSON'),
        (read_yaml, '[' * 5_000, 'file is no yaml'),
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
