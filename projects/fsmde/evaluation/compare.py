"""Runs side by side, where they may stand side by side."""

import csv
import os.path as osp
from dataclasses import dataclass

import numpy as np

from fsmde.output_files import write_figure

from .bootstrap import Gain, paired_gain
from .functional import HIGHER_IS_BETTER, METRICS
from .protocols import INPUT_SIZE, Protocol
from .report import TITLES, Table, coverage, describe, number
from .result_files import CSV_NAME, read_results


@dataclass
class Run:
    """One evaluated run.

    Args:
        name: What it is called in tables.
        results: Its results.json.
        images: ``{(frame_id, camera): {'scene': ..., 'pixels': ..., metric: value}}`` under the compared protocol and mode.
    """

    name: str
    results: dict
    images: dict


def read_run(path: str, protocol: str, mode: str) -> Run:
    """Read a run from its results.json and the csv beside it; it is called as the folder that they are in.

    Raises:
        ValueError: If the run was not evaluated under the protocol or in the mode, or a file is cut; names it.
        FileNotFoundError: If the csv is not there.
    """
    results = read_results(path)
    modes = results['protocols'].get(protocol, {}).get('modes')
    if modes is None or mode not in modes:
        found = {name: list(entry['modes']) for name, entry in results['protocols'].items()}
        raise ValueError(f'{path} has no results under protocol {protocol!r} in mode {mode!r}; it has {found}')
    table = osp.join(osp.dirname(path), CSV_NAME)
    if not osp.isfile(table):
        raise FileNotFoundError(f'{table} is missing; it is written beside results.json and both belong together')
    with open(table, newline='') as file:
        try:
            images = {
                (row['frame_id'], row['camera']): dict(
                    {m: float(row[m]) for m in METRICS}, scene=row['scene'], pixels=int(row['pixels'])
                )
                for row in csv.DictReader(file)
                if row['protocol'] == protocol and row['mode'] == mode
            }
        except (KeyError, TypeError, ValueError) as error:  # Of a row that is cut, and of another table.
            raise ValueError(f'{table} is cut or not the table of results.json: {error!r}') from error
    return Run(osp.basename(osp.dirname(osp.abspath(path))), results, images)


def distinct_names(paths: list) -> list:
    """Call each results.json as its folder, with as many of the folders above as it takes to tell them apart."""
    folders = [osp.dirname(osp.abspath(path)).split(osp.sep)[1:] for path in paths]
    for count in range(1, max(map(len, folders)) + 1):
        names = ['/'.join(folder[-count:]) for folder in folders]
        if len(set(names)) == len(set(map(tuple, folders))):
            break
    return names


def check_comparable(runs: list, protocol: str) -> None:
    """Make sure that runs differ in nothing but their predictions.

    Raises:
        ValueError: If data set, protocol, flip augmentation, frames or their ground truth differ; says which.
    """
    first = runs[0]
    for run in runs[1:]:
        pairs = {
            'data set': [r.results['dataset'] for r in (first, run)],
            'flip augmentation': [r.results['run'].get('flip_augmentation', False) for r in (first, run)],
        }
        # Files of earlier versions lack settings that all protocols had alike.
        defaults = Protocol('').to_dict()
        a, b = (r.results['protocols'][protocol]['settings'] for r in (first, run))
        pairs['differences from the published data set'] = [
            r.results['protocols'][protocol].get('differences', []) for r in (first, run)
        ]
        pairs.update(
            {f'{protocol} {key}': [settings.get(key, defaults.get(key)) for settings in (a, b)] for key in {**a, **b}}
        )
        for what, (one, other) in pairs.items():
            if one != other:
                raise ValueError(f'{first.name} and {run.name} are not comparable: {what} is {one!r} and {other!r}')
        missing = set(first.images) ^ set(run.images)
        if missing:
            raise ValueError(
                f'{first.name} and {run.name} are not comparable: {len(missing)} images are in one of them only, such '
                f'as {min(missing)}'
            )
        if not _truth_depends_on_the_network(
            a, first.results['dataset'], pairs['differences from the published data set'][0]
        ):
            _check_pixels(first, run)


def _truth_depends_on_the_network(settings, dataset, differences):
    """Whether ground truth is made at the size of the network's input: dense depth, and of sizes that nobody published."""
    published = dataset in INPUT_SIZE and not differences
    return settings.get('ground_truth') == 'dense' or settings.get('resolution') == 'input' and not published


def _check_pixels(first, run):
    for (frame_id, camera), image in sorted(first.images.items()):
        found = image['pixels'], run.images[frame_id, camera]['pixels']
        if found[0] != found[1]:
            raise ValueError(
                f'{first.name} and {run.name} are not comparable: {camera} of frame {frame_id} has {found[0]} and {found[1]} '
                "pixels of ground truth. Masks, LiDAR or the images' sizes differ"
            )


def gains(baseline: Run, run: Run, metric: str) -> Gain:
    """Compare two comparable runs in one metric."""
    keys = sorted(baseline.images)
    values = [np.array([r.images[key][metric] for key in keys]) for r in (baseline, run)]
    return paired_gain(*values, [camera for _, camera in keys], [baseline.images[key]['scene'] for key in keys])


def comparison_table(runs: list, protocol: str, mode: str) -> Table:
    """The first run, then the others with relative gain and 95 % interval in each metric.

    Positive gains are improvements. Values are the protocol's; gains and intervals are of the per-image means.
    """
    rows = []
    for run in runs:
        figures = run.results['protocols'][protocol]['modes'][mode]['overall']['all']
        rows.append([run.name, *[number(figures[metric]) for metric in METRICS], coverage(figures)])
        if run is not runs[0]:
            found = [(gains(runs[0], run, metric), -1 if metric in HIGHER_IS_BETTER else 1) for metric in METRICS]
            counts = f'{min(gain.images for gain, _ in found)} of {found[0][0].of_images}'
            rows.append(['  gain %', *[_percent(sign * gain.gain) for gain, sign in found], counts])
            rows.append(['  95 %', *[_interval(gain, sign) for gain, sign in found], ''])
    entry = runs[0].results['protocols'][protocol]
    scenes = len({image['scene'] for image in runs[0].images.values()})
    note = f'Gains over {runs[0].name}, positive is better; intervals: paired bootstrap over {scenes} scenes.'
    if scenes < 2:
        note += ' One scene says nothing of others: no intervals.'
    return Table(f'{describe(protocol, entry)} - {mode}', ['', *TITLES.values(), 'images'], rows, note)


def _percent(value):
    return '-' if np.isnan(value) else f'{100 * value:+.2f}'


def _interval(gain, sign):
    low, high = sorted((sign * gain.low, sign * gain.high))
    return '-' if np.isnan(low) else f'{100 * low:+.1f}..{100 * high:+.1f}'


def draw(runs: list, protocol: str, mode: str, path: str, metric: str = 'abs_rel') -> None:
    """Draw bars of a metric by camera and by distance, where all runs have the same intervals, into a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout='constrained')
    FigureCanvasAgg(figure)
    of = lambda run: run.results['protocols'][protocol]['modes'][mode]
    cameras = list(of(runs[0])['cameras'])
    known = of(runs[0])['overall']
    distances = [
        name
        for name in known
        if name not in ('all', 'overlap') and known[name]['pixels'] and all(name in of(run)['overall'] for run in runs)
    ]
    panels = (
        ('camera', cameras, lambda run: [of(run)['cameras'][camera]['all'][metric] for camera in cameras]),
        (
            'distance / m' if distances else 'no distances that all runs have',
            distances,
            lambda run: [of(run)['overall'][name][metric] for name in distances],
        ),
    )
    for axes, (label, names, read) in zip(figure.subplots(1, 2), panels):
        width = 0.8 / len(runs)
        for r, run in enumerate(runs):
            heights = [np.nan if value is None else value for value in read(run)]
            axes.bar(np.arange(len(names)) + (r + 0.5) * width - 0.4, heights, width, label=run.name)
        axes.set(xticks=range(len(names)), xlabel=label, ylabel=TITLES[metric], ylim=(0, None))
        axes.set_xticklabels(names, fontsize=7)
    axes.legend()
    figure.suptitle(f'{protocol}, {mode}')
    write_figure(path, figure)
