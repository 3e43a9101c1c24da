"""All finished runs of a suite, where they may stand in one table, and what it says."""

import numpy as np

from .fingerprint import differences, fingerprint
from .gains import Cells, suite_gain
from .record import CONSISTENCY, ERRORS, errors_of, read_record
from .suite import Suite

#: Ground truths and, behind them, the measure without one.
LIDAR, DENSE = 'fsmde', 'fsmde_dense'
MEASURES = {LIDAR: 'LiDAR', DENSE: 'dense', CONSISTENCY: 'cross-view'}


def check_unchanged(runs: list) -> None:
    """Refuse to go on with runs that were made with another config, split, world or teacher than now.

    Args:
        runs: :class:`Run`; those that have no record are left out.

    Raises:
        ValueError: Names the arm, what changed, and what to do.
    """
    known = {}
    for run in runs:
        if not run.record_path.is_file():
            continue
        if run.arm.name not in known:
            known[run.arm.name] = fingerprint(run.read_config())
        record = read_record(run.record_path)
        changed = differences(record['fingerprint'], known[run.arm.name])
        if record['split'] != run.split:
            changed.append(f'split ({record["split"]} there, {run.split} now)')
        if changed:
            raise ValueError(
                f'{run.record_path} was made with another config or data: arm {run.arm.name!r} of '
                f'{run.arm.config} now differs in {", ".join(changed)}. Remove {run.record_path.parent} to make its runs '
                'again, name another --out, or give the changed arm another name'
            )


def read_runs(suite: Suite, run_of) -> dict:
    """Records of all finished runs, ``{arm: {seed: record}}``, whatever seeds they have.

    Args:
        suite: The suite.
        run_of: Makes a :class:`Run` of an arm and a seed.

    Raises:
        ValueError: If records were made on different worlds, splits or data sets, or those of one arm by different
            configs.
    """
    records = {name: {} for name in suite.arms}
    for name, arm in suite.arms.items():
        folder = run_of(arm, 0).record_path.parent
        for path in sorted(folder.glob('seed*.json')):
            record = read_record(path)
            records[name][record['seed']] = record
    found = [(name, seed, record) for name, runs in records.items() for seed, record in runs.items()]
    for name, seed, record in found[1:]:
        first_name, first_seed, first = found[0]
        pairs = {key: (first[key], record[key]) for key in ('split', 'dataset', 'frames')}
        pairs['world'] = (first['fingerprint']['world'], record['fingerprint']['world'])
        of_arm = next(iter(records[name].values()))
        for part in differences(record['fingerprint'], of_arm['fingerprint']):
            pairs[part] = (of_arm['fingerprint'][part], record['fingerprint'][part])
        for what, (one, other) in pairs.items():
            if one != other:
                raise ValueError(
                    f'{first_name} seed {first_seed} and {name} seed {seed} are not comparable: {what} is {one!r} and '
                    f'{other!r}. Remove the records that are not of this state, and make them again'
                )
    return records


def compare(suite: Suite, records: dict) -> dict:
    """By arm: what tables and pictures show.

    Returns:
        dict: ``{arm: dict(title, baseline, seeds, steps, train_seconds, errors, gains, median_gains)}``; ``errors`` and
        ``gains`` by measure: ``{error: [mean, std over seeds]}`` and :class:`SuiteGain`; ``median_gains`` of depth scaled to
        each view's median, without intervals. Arms without runs are not in it.
    """
    arms = {}
    for name, runs in records.items():
        if not runs:
            continue
        arm, measures = suite.arms[name], {}
        for measure in MEASURES:
            cells = {seed: Cells.of(r, measure) for seed, r in runs.items() if measure in r['scenes']}
            if cells:
                measures[measure] = cells
        reference = records[arm.baseline]
        gains = {
            measure: suite_gain({s: Cells.of(r, measure) for s, r in reference.items()}, cells)
            for measure, cells in measures.items()
            if name != arm.baseline
        }
        median_gains = {
            measure: suite_gain(_median_scaled(reference, measure), _median_scaled(runs, measure))
            for measure in (LIDAR, DENSE)
            if name != arm.baseline and all(_has_median(r, measure) for r in (*reference.values(), *runs.values()))
        }
        arms[name] = dict(
            title=arm.title,
            baseline=arm.baseline,
            seeds=sorted(runs),
            steps=sorted({r['steps'] for r in runs.values()}),
            train_seconds=float(np.mean([r['train_seconds'] for r in runs.values()])),
            errors={measure: _errors(cells) for measure, cells in measures.items()},
            gains=gains,
            median_gains=median_gains,
        )
    return arms


def _has_median(record, measure):
    return 'median' in record['protocols'].get(measure, {}).get('overall', {})


def _median_scaled(runs, measure):
    """By seed, errors in the mode ``median`` as one scene: records keep scenes in metric scale only."""
    errors = {seed: errors_of(record['protocols'][measure]['overall']['median']) for seed, record in runs.items()}
    return {
        seed: Cells(list(ERRORS), ['all'], ['all'], np.ones((1, 1)), np.array([[e]])) for seed, e in errors.items()
    }


def _errors(cells: dict) -> dict:
    """Mean and standard deviation (ddof 1) over seeds of each error."""
    first = next(iter(cells.values()))
    everywhere = np.ones((1, len(first.scenes)))
    values = np.stack([c.averaged(everywhere)[0] for c in cells.values()])
    spread = values.std(0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
    return {error: [float(values[:, e].mean()), float(spread[e])] for e, error in enumerate(first.errors)}


def commits(records: dict) -> list:
    """Commits of the code that the runs were trained with; of records of before that was written down: evaluated with."""
    made_with = [r.get('trained_with', r['versions']) for runs in records.values() for r in runs.values()]
    return sorted({str(code['git_commit'])[:9] for code in made_with})
