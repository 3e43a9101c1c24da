"""Every code block of the documents runs, or is parsed by what would run it."""

import json
import re

import preludes
import pytest
import yaml
from code_blocks import (
    DOCUMENTS,
    ROOT,
    SHELL,
    blocks_of,
    commands,
    file_name,
    import_file,
    is_config,
    parse_tool_arguments,
    run_python,
    tool_call,
    undone_afterwards,
    unknown_options,
    write_file,
)
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from toy_models import freezes_statistics, shrink

from fsmde.rig_file import parse_rig

# Blocks that cannot run here: {document: {text that occurs in the block: reason}}.
NOT_RUN = {}
# Commands that are not the project's.
FOREIGN = ('cd', 'cp', 'export', 'git', 'hf', 'ls', 'mim', 'mkdir', 'pip', 'source', 'tensorboard', 'trtexec', 'unzip')
LANGUAGES = ('', 'python', 'json', 'bibtex', 'text', 'cpp', 'yaml', *SHELL)

documents = pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.stem)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with the repository's tools, configs and documents in it."""
    for name in ('tools', 'configs', 'docs'):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    init_default_scope('mmdet3d')
    with undone_afterwards(tmp_path):
        yield tmp_path


@documents
def test_python_blocks(document, folder):
    blocks = [block for block in blocks_of(document) if block.language == 'python']
    if not blocks:
        return
    prelude = getattr(preludes, document.stem, None)
    namespace = dict(prelude(folder) if prelude else {}, __name__='document')
    # Files first: a block may import one that is shown behind it.
    written = {block.place: write_file(block, folder) for block in blocks if file_name(block) or is_config(block)}
    for block in blocks:
        if any(text in block.text for text in NOT_RUN.get(document.name, {})):
            continue
        try:
            if is_config(block):
                check_config(written[block.place])
            elif block.place in written:
                import_file(written[block.place], folder)
            else:
                run_python(block, namespace)
        except Exception as error:
            raise AssertionError(f'{block.place} does not run: {type(error).__name__}: {error}') from error


def check_config(path):
    """Load a config; build its model at toy size unless it is a text config, whose detectors take long."""
    config = Config.fromfile(path)
    model = config.get('model')
    assert model is None or not freezes_statistics(model), 'norm_eval=False is missing'
    if model is not None and 'read_base' in path.read_text():
        shrink(model)
        MODELS.build(model)


@documents
def test_shell_blocks(document):
    for block in blocks_of(document):
        if block.language in SHELL:
            for words in commands(block.text):
                try:
                    check_command(words, document)
                except (Exception, SystemExit) as error:
                    raise AssertionError(f'{block.place}: {" ".join(words)}: {error!r}') from error


def check_command(words, document):
    """Files that a command names exist, and the parser of the tool that it runs takes its arguments."""
    names = [file_name(block) for block in blocks_of(document)]
    for word in words:
        if re.match(r'(configs|tools|docs|tests)/', word):
            assert any(ROOT.glob(word)), f'{word} is not there'
    if words[0] == 'make':
        targets = re.findall(r'^(\w+):', (ROOT / 'Makefile').read_text(), re.M)
        assert set(words[1:]) <= set(targets), f'the Makefile has {targets}'
    call = tool_call(words)
    if call is None:
        program = words[0].split('/')[0]
        assert program in (*FOREIGN, 'make', 'tools') or words[:2] in (['python', '-m'], ['python', '-c'])
        return
    args = vars(parse_tool_arguments(*call))
    config = str(args.get('config') or '')
    if config.endswith('.py') and config not in names:
        assert (ROOT / config).is_file(), f'{config} is not there'
        unknown = unknown_options(Config.fromfile(ROOT / config), args.get('cfg_options') or {})
        assert not unknown, f'{config} has no {unknown}'


@documents
def test_other_blocks(document):
    for block in blocks_of(document):
        assert block.language in LANGUAGES, f'{block.place}: language {block.language!r}'
        if block.language == 'json':
            json.loads(block.text)
        if 'fsmde_rig:' in block.text:
            parse_rig(yaml.safe_load(block.text))


@documents
def test_links_and_named_files_exist(document):
    text = re.sub(r'^ *```.*?^ *```', '', document.read_text(), flags=re.S | re.M)
    for target, heading in re.findall(r'\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)', text):
        path = document.parent / target if target else document
        assert path.exists(), f'{document.name} links to {target}, which is not there'
        if heading and path.suffix == '.md':
            assert heading[1:] in anchors(path), f'{path.name} has no heading {heading}'
    for name in re.findall(r'`((?:configs|tools|docs|tests|projects)/[\w./-]+)`', text):
        assert (ROOT / name).exists(), f'{document.name} names {name}, which is not there'


def anchors(path):
    """GitHub's names of a document's headings."""
    text = re.sub(r'^ *```.*?^ *```', '', path.read_text(), flags=re.S | re.M)
    headings = re.findall(r'^#+ (.*)$', text, re.M)
    return [re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings]


def test_a_wrong_option_a_wrong_path_and_a_wrong_setting_are_seen():
    document = DOCUMENTS[0]
    for command in (
        'python tools/train.py configs/fsmde_sup_ddad.py --no-such-option',
        'python tools/train.py configs/no_such_config.py',
        'python tools/no_such_tool.py',
        'python tools/train.py configs/fsmde_sup_ddad.py --cfg-options model.head.no_such_setting=1',
        'python tools/test.py configs/fsmde_sup_ddad.py',
        'make no_such_target',
        'no-such-program',
    ):
        with pytest.raises((AssertionError, SystemExit)):
            check_command(command.split(), document)
    check_command('tools/dist_train.sh configs/fsmde_sup_ddad.py 8 --cfg-options model.max_depth=80'.split(), document)
