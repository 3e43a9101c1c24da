import sys

import numpy as np
import pytest

from fsmde.arrow_files import read_feather


def test_without_pyarrow_the_line_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(ImportError, match=r"table.feather needs pyarrow: pip install 'pyarrow>=14,<26'"):
        read_feather(tmp_path / 'table.feather', 'x')


def test_columns_are_read_by_name(tmp_path):
    arrow = pytest.importorskip('pyarrow')
    path = tmp_path / 'table.feather'

    def write(**columns):
        table = arrow.table(columns)
        with arrow.OSFile(str(path), 'wb') as file, arrow.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)

    write(y=np.float16([1, 2, 3]), name=['a', 'b', 'c'], x=np.int64([4, 5, 6]))
    found = read_feather(path, 'x', 'y')
    assert list(found) == ['x', 'y'] and found['x'].tolist() == [4, 5, 6]
    assert found['y'].dtype == np.float16 and found['y'].tolist() == [1, 2, 3]
    assert read_feather(path, 'name')['name'].tolist() == ['a', 'b', 'c']
    with pytest.raises(ValueError, match=r"table.feather has no column \['z'\]; it has \['y', 'name', 'x'\]"):
        read_feather(path, 'x', 'z')
    write(x=arrow.array([1.0, None, 3.0]))
    with pytest.raises(ValueError, match='table.feather: x: 1 of 3 places are empty'):
        read_feather(path, 'x')
    path.write_bytes(b'no table')
    with pytest.raises(ValueError, match='table.feather is cut or no .feather file'):
        read_feather(path, 'x')
    with pytest.raises(FileNotFoundError, match='absent.feather'):
        read_feather(tmp_path / 'absent.feather', 'x')
