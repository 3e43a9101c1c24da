"""Fenced code blocks of the documents, and what it takes to run them."""

import argparse
import contextlib
import importlib
import re
import runpy
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from mmdet3d.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmengine.config import Config

from fsmde.engine.settings import check_options

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')]
DOCUMENTS += [*sorted((ROOT / 'docs').glob('*.md')), *sorted((ROOT / 'docs/api').glob('*.md'))]
SHELL = ('bash', 'shell', 'sh', 'console')
REGISTRIES = (MODELS, DATASETS, TRANSFORMS, HOOKS, METRICS)
LAUNCHERS = dict(dist_train='train.py', dist_test='test.py', slurm_train='train.py', slurm_test='test.py')


@dataclass
class Block:
    """A fenced block.

    Args:
        document: Its file's path from the root of the repository.
        line: Of the opening fence.
        language: What stands behind the fence; a bare block that calls a tool counts as shell.
        text: What is in it.
    """

    document: str
    line: int
    language: str
    text: str

    @property
    def place(self):
        return f'{self.document}:{self.line}'


def blocks_of(path: Path) -> list:
    """All fenced blocks of a document; they may be indented, as in lists. A diff counts as the python that it leads to."""
    content, blocks = path.read_text(), []
    for match in re.finditer(r'^( *)```(\w*)[^\n]*\n(.*?)^ *```[ ]*$', content, re.S | re.M):
        indent, language, text = match.groups()
        text = re.sub(f'^{indent}', '', text, flags=re.M)
        if language == 'diff':
            # What the file is after the change.
            lines = [line[1:] for line in text.splitlines(keepends=True) if not line.startswith('-')]
            language, text = 'python', ''.join(lines)
        if not language and re.match(r'(\$ )?(python|make|tools/)', text):
            language = 'shell'
        line = content[: match.start()].count('\n') + 1
        blocks.append(Block(str(path.relative_to(ROOT)), line, language, text))
    return blocks


def is_config(block: Block) -> bool:
    """Whether a python block is a config that inherits, lazily or as text."""
    return 'read_base()' in block.text or bool(re.search(r'^_base_ =', block.text, re.M))


def file_name(block: Block):
    """Name in a first line ``# file: some/name.py``, or None."""
    match = re.match(r'# file: (\S+)\n', block.text)
    return match and match.group(1)


def commands(text: str) -> list:
    """Command lines of a shell block as lists of words, without comments, prompts, loops and settings of variables."""
    found = []
    text = re.sub(r'(^|\s)#.*', r'\1', text)
    for line in text.replace('\\\n', ' ').splitlines():
        for command in re.split(r' && | \| |; ', line):
            words = shlex.split(re.sub(r'^\$ ', '', command.strip()))
            if words and words[0] in ('for', 'done'):
                continue
            while words and (words[0] == 'do' or re.fullmatch(r'[A-Z_]+=.*', words[0])):
                words = words[1:]
            if words:
                found.append(words)
    return found


def tool_call(words: list):
    """Path of the Python tool that a command runs, and its arguments; None if it runs none."""
    for place, word in enumerate(words):
        if re.fullmatch(r'(\./)?tools/\S+\.(py|sh)', word):
            path, arguments = ROOT / word, words[place + 1 :]
            break
    else:
        return None
    assert path.is_file(), f'{word} is not there'
    if path.stem in LAUNCHERS:
        # The launchers' own positional arguments are numbers of processes, partitions and names of jobs.
        if path.stem.startswith('slurm'):
            arguments = arguments[2:]
        else:
            number = 1 if path.stem == 'dist_train' else 2
            assert re.fullmatch(r'\d+|GPUS', arguments[number]), f'{word} wants a number, not {arguments[number]}'
            arguments = arguments[:number] + arguments[number + 1 :]
        path = ROOT / 'tools' / LAUNCHERS[path.stem]
    return (path, arguments) if path.suffix == '.py' else None


class _Parsed(BaseException):  # noqa: N818
    """Carries the arguments past a tool's own handling of exceptions."""


def parse_tool_arguments(path: Path, arguments: list) -> argparse.Namespace:
    """What the tool's own parser makes of the arguments; a SystemExit is its refusal."""
    parse_args = argparse.ArgumentParser.parse_args

    def parse_and_stop(parser, args=None, namespace=None):
        raise _Parsed(parse_args(parser, args, namespace))

    argv, sys.argv = sys.argv, [str(path), *arguments]
    argparse.ArgumentParser.parse_args = parse_and_stop
    try:
        runpy.run_path(str(path), run_name='__main__')
    except _Parsed as parsed:
        return parsed.args[0]
    finally:
        argparse.ArgumentParser.parse_args, sys.argv = parse_args, argv
    raise AssertionError(f'{path} parsed no arguments')


def unknown_options(config: Config, options: dict) -> list:
    """``--cfg-options`` that the tools would refuse, see :mod:`fsmde.engine.settings`."""
    refused = []
    for key, value in options.items():
        try:
            check_options(config, {key: value}, config.filename)
        except ValueError as error:
            refused.append(str(error))
    return refused


@contextlib.contextmanager
def undone_afterwards(folder: Path):
    """Import from ``folder``; afterwards forget what was imported from it and registered."""
    registries = {registry: dict(registry._module_dict) for registry in REGISTRIES}
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, '__file__', None) or '').startswith(str(folder)):
                del sys.modules[name]
        for registry, modules in registries.items():
            registry._module_dict.clear()
            registry._module_dict.update(modules)


def write_file(block: Block, folder: Path) -> Path:
    """Write a block to the file it names, or to one named after its place."""
    path = folder / (file_name(block) or f'{Path(block.document).stem}_{block.line}.py')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)
    return path


def import_file(path: Path, folder: Path) -> None:
    """Import a file that :func:`write_file` wrote, as the documents' other blocks do."""
    importlib.import_module('.'.join(path.relative_to(folder).with_suffix('').parts))


def run_python(block: Block, namespace: dict) -> None:
    """Execute a block; a traceback shows the document and the line in it."""
    code = compile('\n' * block.line + block.text, str(ROOT / block.document), 'exec')
    exec(code, namespace)
