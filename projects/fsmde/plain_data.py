"""Reads and checks plain data of files that anyone may have written: JSON and YAML."""

import difflib
import json
import re
import reprlib
from pathlib import Path

import numpy as np
import yaml


def read_json(path):
    """Content of a JSON file.

    Raises:
        FileNotFoundError, ValueError: If it is absent, no JSON, or names a key twice; names it, and the line or the key.
    """
    path = existing(path)
    try:
        return json.loads(path.read_text(encoding='utf-8-sig'), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is cut or no JSON: {error}') from error


def _object(pairs):
    """A JSON object; of a key that is there twice the library takes the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f'{next(key for key in keys if keys.count(key) > 1)!r} is there twice')
    return found


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key that is there twice is an error, as YAML has it; the library takes the last."""

    MERGE, DEFAULT = 'tag:yaml.org,2002:merge', 'tag:yaml.org,2002:value'

    def compose_mapping_node(self, anchor):
        """A mapping as it is written: what `<<` merges into it later, its own keys may replace."""
        node, seen = super().compose_mapping_node(anchor), set()
        for key, _ in node.value:
            if _identity(key) in seen:
                raise ValueError(f'line {key.start_mark.line + 1}: {key.value!r} is there twice')
            seen.add(_identity(key))
            if key.tag == self.DEFAULT:  # `=`, which is a text like others here.
                key.tag = self.DEFAULT_SCALAR_TAG
        return node

    def flatten_mapping(self, node):
        """Own keys go before merged ones, and these in their order; of the library that depends on its version."""
        merges = [value for key, value in node.value if key.tag == self.MERGE]
        node.value = [pair for pair in node.value if pair[0].tag != self.MERGE]
        found = {_identity(key) for key, _ in node.value}
        for merge in merges:
            for source in merge.value if isinstance(merge, yaml.SequenceNode) else [merge]:
                if not isinstance(source, yaml.MappingNode):
                    raise ValueError(f'line {source.start_mark.line + 1}: << merges mappings, found another value')
                self.flatten_mapping(source)
                new = [pair for pair in source.value if _identity(pair[0]) not in found]
                node.value += new
                found.update(_identity(key) for key, _ in new)


def _identity(key):
    return (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key)


def read_yaml(path):
    """Content of a YAML file, a mapping or a list; no object is made of it.

    Raises:
        FileNotFoundError, ValueError: If it is absent, empty, no YAML, or names a key twice; names it, and the line.
    """
    path = existing(path)
    try:
        # OpenCV begins its files with %YAML:1.0, which YAML does not know.
        text = re.sub('^%YAML:', '# ', path.read_text(encoding='utf-8-sig'), count=1, flags=re.MULTILINE)
        content = yaml.load(text, _Loader)
    # What is wrong inside a scalar (a 30th of February, `!!bool foo`) the library lets through as it falls.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f'{path} is no YAML: {error}') from error
    if not isinstance(content, (dict, list)):
        raise ValueError(f'{path} is empty or holds neither a mapping nor a list')
    return content


def existing(path) -> Path:
    """The path of a file, pipes among them.

    Raises:
        FileNotFoundError, IsADirectoryError: If there is none, or a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f'{path} is a folder, expected a file')
    if not path.exists():
        raise FileNotFoundError(f'no such file: {path}')
    return path


def brief(value) -> str:
    """The value for a message, short however large it is."""
    return reprlib.repr(value)


def numbers(value, shape: tuple, where: str) -> np.ndarray:
    """A float64 array of nested lists of numbers of exactly a shape; () for one number.

    Raises:
        ValueError: If the value is anything else; begins with ``where``.
    """
    if not shape:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300:
            hint = ' (YAML takes 1e3 for text, write 1.0e+3)' if isinstance(value, str) else ''
            raise ValueError(f'{where}: expected a number, found {brief(value)}{hint}')
        return np.float64(value)
    if not isinstance(value, list) or len(value) != shape[0]:
        form = f'{shape[0]} numbers' if len(shape) == 1 else f'{shape[0]} rows of {shape[1]} numbers'
        raise ValueError(f'{where}: expected a list of {form}, found {brief(value)}')
    return np.array([numbers(entry, shape[1:], where) for entry in value])


def named_numbers(mapping: dict, names: tuple, where: str) -> list:
    """The numbers of a mapping that must hold exactly some names, in their order."""
    check_keys(mapping, names, where)
    for name in names:
        if name not in mapping:
            raise ValueError(f'{where}: {name} is missing')
    return [float(numbers(mapping[name], (), f'{where}: {name}')) for name in names]


def check_keys(mapping: dict, known: tuple, where: str) -> None:
    """Raise ValueError on the first key that is not known, with the nearest that is."""
    for key in mapping:
        if key not in known:
            raise ValueError(
                f'{where}: key {brief(key)} is unknown{nearest(key, known)}; there are {", ".join(known)}'
            )


def nearest(word, known) -> str:
    """`` (did you mean ...?)`` for a word that is not known, empty if nothing is like it."""
    found = difflib.get_close_matches(str(word), [str(name) for name in known], 1)
    return f' (did you mean {found[0]!r}?)' if found else ''
