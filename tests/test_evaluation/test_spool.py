"""Temporary folders of evaluations that were killed."""

import tempfile

import numpy as np

from fsmde.evaluation.spool import LOCK, PREFIX, Spool, read_spooled


def test_the_next_evaluation_removes_what_killed_ones_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    killed, others = tmp_path / f'{PREFIX}killed', tmp_path / 'somebody_elses'
    for folder in (killed, others):
        folder.mkdir()
        (folder / LOCK).touch()
        (folder / '0.npz').touch()
    at_work, next_one = Spool(), Spool()
    path = at_work.put(depth=np.arange(3.0))
    next_one.put(depth=np.zeros(1))
    assert not killed.exists() and others.exists()
    np.testing.assert_array_equal(read_spooled(path)['depth'], [0, 1, 2])
    at_work.close()
    next_one.close()
    assert not [entry for entry in tmp_path.iterdir() if entry.is_dir() and entry != others]
