"""What a command says of an error: a line for our own messages, the trace for anything else."""

import ast
from concurrent.futures import Future

import pytest
from processes import TOOLS

from fsmde.command_line import mistakes_in_one_line
from fsmde.concurrency import BusyError


def raised_in(module, statement):
    """A function of a module that does something, called from ours as a teacher or a library would be."""
    namespace = dict(__name__=module, BusyError=BusyError, Future=Future)
    exec(f'def call():\n    {statement}', namespace)
    outer = dict(__name__='fsmde.apis', call=namespace['call'])
    exec('def work():\n    call()', outer)
    return mistakes_in_one_line('tool')(outer['work'])


OF_ANOTHER_PROCESS = "it = Future(); it.set_exception(ValueError('say')); it.result()"


@pytest.mark.parametrize(
    'module, statement, line',
    [
        ('fsmde.rig', "raise ValueError('say')", 'tool: say'),
        ('fsmde', "raise ImportError('say')", 'tool: say'),
        ('fsmde.rig', "raise KeyError('say')", 'tool: say'),
        ('fsmde.rig', "raise BusyError('say')", 'tool: say'),
        ('__main__', "raise ValueError('say')", 'tool: say'),
        ('tool', "raise FileNotFoundError('say')", 'tool: say'),
        ('fsmde.rig', "open('/absent/file')", "tool: .Errno 2. No such file or directory: '/absent/file'"),
        ('fsmde.rig', "from pathlib import Path; Path('/absent/file').read_text()", "tool: .*'/absent/file'"),
        ('fsmde.rig', OF_ANOTHER_PROCESS, 'tool: say'),
    ],
)
def test_what_we_say_is_a_line(module, statement, line):
    with pytest.raises(SystemExit, match=line):
        raised_in(module, statement)()


@pytest.mark.parametrize(
    'module, statement, kind',
    [
        ('my_teacher', "raise ValueError('of my teacher')", ValueError),
        ('my_teacher', "open('/absent/file')", FileNotFoundError),
        ('my_teacher', OF_ANOTHER_PROCESS, ValueError),
        ('numpy', "raise ValueError('of a library')", ValueError),
        ('fsmde_of_others', "raise ValueError('of another package')", ValueError),
        # Bugs of ours.
        ('fsmde.rig', 'a, b = 1, 2, 3', ValueError),
        ('fsmde.rig', "{}['key']", KeyError),
        ('fsmde.rig', "raise RuntimeError('unforeseen')", RuntimeError),
        ('fsmde.rig', 'None.shape', AttributeError),
    ],
)
def test_anything_else_keeps_its_trace(module, statement, kind):
    with pytest.raises(kind) as caught:
        raised_in(module, statement)()
    assert caught.traceback[-1].name == 'call' or 'Future' in statement


def test_every_tool_is_so():
    """Those of dev/ are for us."""
    for path in TOOLS.rglob('*.py'):
        if '__main__' in path.read_text() and path.parent.name != 'dev':
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            names = [call.args[0].value for call in calls if ast.unparse(call.func) == 'mistakes_in_one_line']
            assert names == [path.stem], path
