"""A suite's tables and pictures in files."""

from pathlib import Path

from fsmde.output_files import write_text

from .comparison import commits, compare, read_runs
from .pictures import draw_frame, draw_gains
from .record import write_json
from .suite import Suite
from .tables import tables_of, to_plain


def write_report(suite: Suite, run_of, folder, name: str = 'table', say=print) -> None:
    """Write the tables of a suite's finished runs; with the usual name pictures, too.

    Args:
        suite: The suite.
        run_of: Makes a :class:`Run` of an arm and a seed.
        folder: Where ``<name>.md`` and ``<name>.json`` go, and for ``'table'`` gains.png and frame.jpg, see
            :func:`draw_frame`.
        say: Is given the tables, and where they are.

    Raises:
        ValueError: If the runs may not stand in one table, see :func:`fsmde.kd_benchmark.comparison.read_runs`.
    """
    folder, records = Path(folder), read_runs(suite, run_of)
    arms = compare(suite, records)
    if not arms:
        say('no run is finished: nothing to tabulate')
        return
    split = run_of(next(iter(suite.arms.values())), 0).split
    tables = '\n'.join(table.to_markdown() for table in tables_of(suite.name, arms, split))
    say(tables)
    write_text(folder / f'{name}.md', f'{tables}\nCode of the runs: {", ".join(commits(records))}.\n')
    write_json(folder / f'{name}.json', dict(suite=suite.name, split=split, arms=to_plain(arms)))
    if name != 'table':
        say(f'tables are {folder / name}.md and .json')
        return
    draw_gains(arms, f'{suite.name}, {split} split', folder / 'gains.png')
    shown = {name: run_of(suite.arms[name], min(runs)) for name, runs in records.items() if runs}
    frame = draw_frame(shown, folder / 'frame.jpg')
    say(
        f'tables and pictures are in {folder}'
        + ('' if frame else '; not all predictions are at hand: no new frame.jpg')
    )
