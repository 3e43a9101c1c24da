"""What a command says of an error: a line for our own messages, the trace for anything else."""

import ast
import importlib
import os
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pytest
from processes import TOOLS, start, wait_for

import fsmde
from fsmde.command_line import mistakes_in_one_line
from fsmde.concurrency import BusyError
from fsmde.engine.processes import PROCESSES
from fsmde.kd_benchmark.fingerprint import short_hash
from fsmde.plain_data import read_json

RIG = f'{fsmde.__path__[0]}/rig.py'
TEACHER, LIBRARY = '/home/me/my_teacher.py', '/some/site-packages/library.py'


def function_of(file, statement, **names):
    """A function of a file that does something."""
    names.update(BusyError=BusyError, Future=Future, Path=Path)
    exec(compile(f'def work():\n    {statement}', file, 'exec'), names)
    return names['work']


def command(*calls):
    """A command that calls functions of files, each the next, given as pairs of file and statement."""
    call = None
    for file, statement in reversed(calls):
        call = function_of(file, statement, call=call)
    return mistakes_in_one_line('tool')(function_of('/tools/tool.py', 'call()', call=call))


FROM_A_FUTURE = "it = Future(); it.set_exception(ValueError('say')); it.result()"


@pytest.mark.parametrize(
    'file, statement, line',
    [
        (RIG, "raise ValueError('say')", 'tool: say'),
        (RIG, "raise ImportError('say')", 'tool: say'),
        (RIG, "raise KeyError('say')", 'tool: say'),
        (RIG, "raise KeyError('say', 'more')", r"tool: \('say', 'more'\)"),
        (RIG, "raise BusyError('say')", 'tool: say'),
        (RIG, "raise OSError('say')", 'tool: say'),
        ('/tools/tool.py', "raise FileNotFoundError('say')", 'tool: say'),
        (RIG, "open('/absent/file')", "tool: .Errno 2. No such file or directory: '/absent/file'"),
        (RIG, "Path('/absent/file').read_text()", "tool: .*'/absent/file'"),
        (RIG, "with open('/dev/full', 'w') as file: file.write('a')", 'tool: .*No space left'),
    ],
)
def test_what_we_say_is_a_line(file, statement, line):
    for calls in ([(file, statement)], [(LIBRARY, 'call()'), (file, statement)]):
        with pytest.raises(SystemExit, match=f'^{line}'):
            command(*calls)()


@pytest.mark.parametrize(
    'file, statement, kind',
    [
        (TEACHER, "raise ValueError('of my teacher')", ValueError),
        # Also where it is called as a command of ours.
        ('/home/me/tool.py', "raise ValueError('of my teacher')", ValueError),
        (TEACHER, "open('/absent/file')", FileNotFoundError),
        (TEACHER, FROM_A_FUTURE, ValueError),
        (LIBRARY, "raise ValueError('of a library')", ValueError),
        (RIG.replace('fsmde', 'fsmde_of_others'), "raise ValueError('of another package')", ValueError),
        # Bugs of ours.
        (RIG, 'a, b = 1, 2, 3', ValueError),
        (RIG, "{}['key']", KeyError),
        (RIG, "raise ValueError(f'say {dict()[0]}')", KeyError),
        (RIG, "raise RuntimeError('unforeseen')", RuntimeError),
        (RIG, 'None.shape', AttributeError),
        # Bugs of ours that the standard library, written in Python, finds.
        (RIG, "import os; os.environ['NOPE']", KeyError),
        (RIG, "import enum; enum.Enum('Kind', 'a')['b']", KeyError),
        (RIG, "Path('/a').relative_to('/b')", ValueError),
        (RIG, "import datetime; datetime.datetime.strptime('x', '%Y')", ValueError),
        # Errors without a word, or of the operating system without a file.
        (RIG, 'raise KeyError', KeyError),
        (RIG, 'raise OSError', OSError),
        (RIG, 'import os; os.kill(2**22 + 1, 0)', ProcessLookupError),
        (RIG, 'import os; r, w = os.pipe(); os.close(r); os.write(w, b"a")', BrokenPipeError),
    ],
)
def test_anything_else_keeps_its_trace(file, statement, kind):
    with pytest.raises(kind):
        command((file, statement))()


def test_a_teacher_that_calls_us_wrongly_is_seen():
    with pytest.raises(ValueError, match='say'):
        command((TEACHER, 'call()'), (RIG, "raise ValueError('say')"))()


@pytest.mark.parametrize('executor', [ProcessPoolExecutor, 'Pool'])
def test_errors_of_other_processes_are_judged_there(executor, tmp_path, monkeypatch):
    (tmp_path / 'plug_in_of_mine.py').write_text(
        'from fsmde.plain_data import read_json\n\n\n'
        'def lookup():\n    return {}[34]\n\n\n'
        'def refuse():\n    raise ValueError("mine")\n\n\n'
        'def read():\n    read_json("/absent/file")\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'plug_in_of_mine', raising=False)
    plug_in = importlib.import_module('plug_in_of_mine')

    def run(function, *args):
        with mistakes_in_one_line('tool'):
            if executor == 'Pool':
                pool.apply(function, args)
            else:
                pool.submit(function, *args).result()

    with PROCESSES.Pool(1) if executor == 'Pool' else executor(1, mp_context=PROCESSES) as pool:
        with pytest.raises(SystemExit, match='tool: no such file: /absent/file'):
            run(read_json, '/absent/file')
        in_itself = []
        in_itself.append(in_itself)
        with pytest.raises(ValueError, match='Circular reference'):  # It stands for a bug of ours.
            run(short_hash, in_itself)
        with pytest.raises(KeyError, match='34'):
            run(plug_in.lookup)
        with pytest.raises(ValueError, match='mine'):
            run(plug_in.refuse)
        with pytest.raises(FileNotFoundError, match='no such file'):
            run(plug_in.read)


def print_to_nobody(buffered, lines):
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
    sys.stdout.reconfigure(write_through=not buffered)
    with mistakes_in_one_line('tool'):
        for _ in range(lines):
            print('line')


@pytest.mark.parametrize('buffered, lines', [(True, 100_000), (False, 1), (True, 1)])
def test_a_reader_that_leaves_ends_it_without_a_word(buffered, lines, tmp_path):
    process = start(print_to_nobody, buffered, lines, log=tmp_path / 'log')
    wait_for(process)
    assert process.exitcode == 1 and (tmp_path / 'log').read_text() == ''


def test_every_tool_is_so():
    """Those of dev/ are for us."""
    for path in TOOLS.rglob('*.py'):
        if '__main__' in path.read_text() and path.parent.name != 'dev':
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            names = [call.args[0].value for call in calls if ast.unparse(call.func) == 'mistakes_in_one_line']
            assert names == [path.stem], path
