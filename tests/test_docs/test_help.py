"""Every example in the tools' own help is taken by the tool, and every setting that it names does something."""

import argparse
import ast
import contextlib
import re
import runpy
import shlex
import sys

import pytest
from code_blocks import ROOT, commands, parse_tool_arguments, tool_call, unknown_options
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from test_code_blocks import check_command

from fsmde.engine.config_files import read_config, set_data_root

TOOLS = sorted(path for path in (ROOT / 'tools').rglob('*.py') if '__main__' in path.read_text())
tools = pytest.mark.parametrize('tool', TOOLS, ids=lambda path: path.stem)


def docstring(path):
    return ast.get_docstring(ast.parse(path.read_text())) or ''


def examples(path):
    """Commands in a tool's docstring as lists of words; of a synopsis, all that may be given."""
    text = docstring(path).replace('\\\n', ' ')
    lines = [line.strip() for line in text.splitlines() if re.match(r' *(python|torchrun) ', line)]
    for line in [*lines, *re.findall(r'``(python .*?)``', text, re.S)]:
        yield from commands(re.sub(r'\[|\]|\.\.\.', '', line))


@tools
def test_examples_of_a_docstring(tool):
    found = list(examples(tool))
    assert found or tool.stem == 'demo', f'{tool} has no example'
    for words in found:
        assert tool_call(words)[0] == tool, f'{words} runs another tool'
        check_command(words, ROOT / 'README.md')


@tools
def test_an_empty_option_is_an_unset_variable(tool, monkeypatch, capsys):
    """Whatever the first option is that takes a text."""

    def parse(parser, *_):
        given = {action.dest: action.default for action in parser._actions}
        texts = [a.dest for a in parser._actions if a.nargs is None and a.type is None] or ['config']
        return argparse.Namespace(**dict(given, **{texts[0]: ''}))

    if tool.stem == 'demo':  # It has no options.
        return
    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', parse)
    monkeypatch.setattr(sys, 'argv', [str(tool)])
    with pytest.raises(SystemExit, match='2'):
        runpy.run_path(str(tool), run_name='__main__')
    assert 'is empty: is the variable set that it comes from?' in capsys.readouterr().err


def settings_in_help(tool, monkeypatch):
    """Settings such as ``a.b=1`` in the help of a tool's options."""
    texts = []
    add = argparse._ActionsContainer.add_argument

    def keep(container, *args, **kwargs):
        texts.append(kwargs.get('help') or '')
        return add(container, *args, **kwargs)

    monkeypatch.setattr(argparse._ActionsContainer, 'add_argument', keep)
    with contextlib.suppress(SystemExit):  # Most tools want more than nothing.
        parse_tool_arguments(tool, [])
    return [
        word for text in texts for word in shlex.split(re.sub(r"['()]", ' ', text)) if re.match(r'\w+\.[\w.]+=', word)
    ]


def first_that_takes(options):
    """The first shipped config that takes the options: with a teacher of weights, or with a trained estimator."""
    configs = 'configs/fsmde_kd_ddad.py', 'configs/benchmark/live_teacher.py'
    taken = [path for path in configs if not unknown_options(Config.fromfile(ROOT / path), options)]
    assert taken, f'no config takes {options}'
    return taken[0]


@tools
def test_settings_in_the_help_of_options(tool, monkeypatch, toy_dgp):
    for setting in settings_in_help(tool, monkeypatch):
        key, value = setting.rstrip('.,;').split('=', 1)
        options = {key: int(value) if value.isdigit() else value}
        cfg = read_config(str(ROOT / first_that_takes(options)), cfg_options=options)
        set_data_root(cfg, str(toy_dgp))
        loader = key.split('.')[0]
        if loader.endswith('_dataloader'):
            with DefaultScope.overwrite_default_scope('mmdet3d'):
                assert len(Runner.build_dataloader(cfg[loader], seed=0)) > 0


def test_settings_are_found(monkeypatch):
    assert settings_in_help(ROOT / 'tools/test.py', monkeypatch) == ['test_dataloader.num_workers=0']
    assert settings_in_help(ROOT / 'tools/cache_teacher.py', monkeypatch) == ['model.teacher.model=DIR']
