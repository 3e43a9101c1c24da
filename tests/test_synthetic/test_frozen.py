"""The generator is frozen: results on its worlds are comparable only while it stays as it is."""

import json

import numpy as np
import pytest

from fsmde.synthetic.frozen import RECORD, fingerprint, generator, source_hash
from fsmde.synthetic.splits import DEFAULTS

WHAT_TO_DO = (
    'the synthetic world changed, so earlier results on it are no longer comparable. If the change is '
    'meant: run `python -m fsmde.synthetic.freeze`, commit frozen.json with the change, make the worlds '
    'anew and measure again. If it is not: undo it'
)


def test_sources():
    assert source_hash() == json.loads(RECORD.read_text())['sources'], WHAT_TO_DO


def test_splits():
    assert DEFAULTS == json.loads(RECORD.read_text())['splits'], WHAT_TO_DO


@pytest.mark.parametrize('preset', list(DEFAULTS))
def test_reference_scene(preset):
    """Blocks may differ where a processor rounds otherwise, but not many and not by much."""
    expected = np.array(json.loads(RECORD.read_text())['fingerprints'][preset])
    found = np.array(fingerprint(preset))
    assert found.shape == expected.shape, WHAT_TO_DO
    close = np.isclose(found, expected, rtol=0.02, atol=2)
    assert close.mean() > 0.97, WHAT_TO_DO


def test_the_generator_has_the_name_of_the_record_while_its_sources_are_those_of_the_record(monkeypatch):
    assert generator() == json.loads(RECORD.read_text())['generator'], WHAT_TO_DO
    monkeypatch.setattr('fsmde.synthetic.frozen.source_hash', lambda: 'changed')
    assert generator() == 'changed'
