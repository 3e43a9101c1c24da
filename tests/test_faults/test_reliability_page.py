"""The page of faults cites tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_row_names_a_test_that_exists():
    rows = [row for row in (ROOT / 'docs/reliability.md').read_text().splitlines() if row.startswith('| ')]
    rows = [row for row in rows if not row.endswith('| test |')]
    assert len(rows) >= 30
    defined = {
        name
        for path in (ROOT / 'tests').rglob('test_*.py')
        for name in re.findall(r'def (test_\w+)', path.read_text())
    }
    for row in rows:
        cited = re.findall(r'`(test_\w+)`', row)
        assert cited and defined.issuperset(cited), row
