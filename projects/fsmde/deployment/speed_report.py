"""What speed measurements come to: a table, and who is how many times as fast as whom."""

import itertools
from pathlib import Path

from .benchmark import SCOPES

COLUMNS = ('model', 'runtime', 'precision', 'scope', 'ms', 'p95 ms', 'frames/s', 'M param.', 'GMAC', 'peak MiB')


def table(rows: list) -> str:
    """Rows of :func:`fsmde.deployment.benchmark.measure` as a Markdown table."""
    lines = [COLUMNS, ['---'] * len(COLUMNS)]
    for row in rows:
        lines.append(
            [
                row['name'] if row['kind'] == 'teacher' else Path(row['name']).stem,
                row['runtime'],
                row['precision'],
                row['scope'],
                f'{row["median_ms"]:.1f}',
                f'{row["p95_ms"]:.1f}',
                f'{row["fps"]:.2f}',
                f'{row["parameters"] / 1e6:.1f}',
                f'{row["multiply_adds"] / 1e9:.1f}',
                f'{row["peak_mib"]:.0f}',
            ]
        )
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def speed_ups(rows: list) -> list:
    """How many times faster each student is than each other network: in each common form, and the fastest of both.

    Args:
        rows: Of :func:`fsmde.deployment.benchmark.measure`.

    Returns:
        Dicts of ``student``, ``teacher`` (the other network), ``scope``, ``form`` and ``factor``.
    """

    def forms(student, scope):
        chosen = [row for row in rows if (row['kind'] == 'student') == student and row['scope'] == scope]
        return {
            name: [row for row in chosen if row['name'] == name] for name in dict.fromkeys(r['name'] for r in chosen)
        }

    factors = []
    for scope in SCOPES:
        pairs = itertools.product(forms(True, scope).items(), forms(False, scope).items())
        for (student, mine), (teacher, others) in pairs:
            for a, b in itertools.product(mine, others):
                if (a['runtime'], a['precision']) == (b['runtime'], b['precision']):
                    form = f'{a["runtime"]} {a["precision"]}'
                    factors.append((student, teacher, scope, form, b['median_ms'] / a['median_ms']))
            a, b = (min(side, key=lambda row: row['median_ms']) for side in (mine, others))
            form = f'fastest: {a["runtime"]} {a["precision"]} against {b["runtime"]} {b["precision"]}'
            factors.append((student, teacher, scope, form, b['median_ms'] / a['median_ms']))
    names = ('student', 'teacher', 'scope', 'form', 'factor')
    return [dict(zip(names, factor)) for factor in factors]
