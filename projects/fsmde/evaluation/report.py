"""Tables of an evaluation for the terminal, for Markdown and for LaTeX."""

import io
import math
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable

from .functional import METRICS

TITLES = dict(
    abs_rel='AbsRel', sq_rel='SqRel', rmse='RMSE', rmse_log='RMSElog', silog='SILog', d1='δ1', d2='δ2', d3='δ3'
)
#: How many blocks the bar of the worst row has.
BAR = 10


@dataclass
class Table:
    """A table of text.

    Args:
        title: What the numbers are.
        header: Column titles.
        rows: Lists of cells, the first of each its name.
        note: What must be read with the numbers.
    """

    title: str
    header: list
    rows: list
    note: str = ''

    def to_terminal(self) -> str:
        """Drawn with rich, 160 columns."""
        table = RichTable(title=self.title, caption=self.note or None, title_justify='left', caption_justify='left')
        for n, title in enumerate(self.header):
            table.add_column(title, justify='right' if n else 'left', no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        text = io.StringIO()
        Console(file=text, width=160).print(table)
        return text.getvalue()

    def to_markdown(self) -> str:
        """A GitHub table under its title."""
        lines = [self.header, ['---', *['---:'] * (len(self.header) - 1)], *self.rows]
        body = '\n'.join(f'| {" | ".join(row)} |' for row in lines)
        return f'**{self.title}**\n\n{body}\n' + (f'\n{self.note}\n' if self.note else '')

    def to_latex(self) -> str:
        """A booktabs tabular with the title and note as comments."""
        escape = lambda text: text.replace('_', r'\_').replace('%', r'\%').replace('δ', r'$\delta$').replace('█', '')
        rows = [' & '.join(map(escape, row)) + r' \\' for row in self.rows]
        head = ' & '.join(map(escape, self.header)) + r' \\'
        comments = [f'% {line}' for line in f'{self.title}\n{self.note}'.splitlines() if line]
        columns = 'l' + 'r' * (len(self.header) - 1)
        top = [*comments, rf'\begin{{tabular}}{{{columns}}}', r'\toprule', head, r'\midrule']
        return '\n'.join([*top, *rows, r'\bottomrule', r'\end{tabular}']) + '\n'


def number(value) -> str:
    """Three decimals; a dash for what is not known."""
    return '-' if value is None or math.isnan(value) else f'{value:.3f}'


def coverage(figures: dict, kind: str = 'images') -> str:
    """``3 of 18``: how many images (or frames) stand behind a figure, of how many; a dash where older files lack it."""
    return f'{figures[kind]} of {figures[f"of_{kind}"]}' if f'of_{kind}' in figures else '-'


def describe(name: str, entry: dict) -> str:
    """One line that says what a protocol's numbers mean."""
    s = entry['settings']
    parts = [
        f'{dict(maps="depth-map").get(s["ground_truth"], s["ground_truth"])} ground truth at {s["resolution"]} size',
        f'{s["min_depth"]:g}-{s["max_depth"]:g} m',
        f'{s["collisions"]} point of a pixel',
        'self-occlusion mask' if s['mask'] else 'no mask',
        'per image' if s['averaging'] == 'image' else f'pooled over {s["group_size"]} frames',
        f'{entry["frames"]} of {entry["frames"] + entry["frames_left_out"]} frames',
    ]
    return f'{name}: {", ".join(parts)}'


def caveats(entry: dict, flip_augmentation: bool) -> str:
    """What keeps numbers from standing beside others under the same protocol; empty if nothing does."""
    found = []
    published = entry['published_frames']
    # An incomplete last group is dropped there, too.
    if published is not None and not 0 <= published - entry['frames'] < entry['settings']['group_size']:
        found.append(f'{entry["frames"]} frames counted, the published tables count {published}')
    if entry['settings']['mask'] and entry['settings']['ground_truth'] == 'lidar' and not entry['masked_points']:
        found.append('no self-occlusion mask hid a point: give the data set its masks')
    found += reservations(entry, flip_augmentation) + _blind_cameras(entry)
    return f'Mind: {"; ".join(found)}.' if found else ''


def reservations(entry: dict, flip_augmentation: bool) -> list:
    """In what an evaluation was another one than its protocol and its data set's name say, as parts of a sentence."""
    found = []
    if entry.get('differences'):
        found.append(f'no rule of a published table applies, for {"; ".join(entry["differences"])}')
    flipped = (entry.get('settings') or {}).get('flip_augmentation', False)
    if flipped != flip_augmentation:
        asked = 'with' if flipped else 'without'
        found.append(f'the protocol is {asked} flip test-time augmentation, the predictions are not')
    if entry.get('frames_not_evaluated'):
        found.append(f'{entry["frames_not_evaluated"]} frames of the data set were not evaluated')
    return found


def _blind_cameras(entry):
    """Which cameras a mean over cameras leaves out, and which it takes from a part of their images; of any mode."""
    cameras = next((figures['cameras'] for figures in entry.get('modes', {}).values()), {})
    counts = {camera: regions['all'] for camera, regions in cameras.items() if 'of_images' in regions['all']}
    blind = [camera for camera, figures in counts.items() if not figures['images']]
    part = [f'{c} {coverage(f)}' for c, f in counts.items() if 0 < f['images'] < f['of_images']]
    found = []
    if blind:
        found.append(
            f'no image of {", ".join(blind)} has ground truth: overall is over {len(counts) - len(blind)} of '
            f'{len(counts)} cameras'
        )
    if part:
        found.append(f'images with ground truth: {", ".join(part)}')
    return found


def camera_table(name: str, entry: dict, mode: str, flip_augmentation: bool = False) -> Table:
    """Overall, every camera with a bar of its AbsRel, and every region of one protocol in one mode."""
    figures = entry['modes'][mode]
    rows = [('overall', figures['overall']['all'])]
    rows += [(camera, regions['all']) for camera, regions in figures['cameras'].items()]
    rows += [(_region_name(r), f) for r, f in figures['overall'].items() if r != 'all' and f['pixels']]
    rows += [(f'tag {tag}', regions['all']) for tag, regions in figures.get('tags', {}).items()]
    known = [f['abs_rel'] for _, f in rows[1 : 1 + len(figures['cameras'])] if not _unknown(f['abs_rel'])]
    worst = max(known, default=0)
    cells = []
    for label, f in rows:
        share = 0 if _unknown(f['abs_rel']) or label not in figures['cameras'] or not worst else f['abs_rel'] / worst
        counts = [f'{f["pixels"]}', coverage(f), f'{f["non_finite"]}']
        cells.append([label, *[number(f[m]) for m in METRICS], *counts, '█' * round(BAR * share)])
    header = ['', *TITLES.values(), 'pixels', 'images', 'not finite', 'AbsRel by camera']
    return Table(f'{describe(name, entry)} - {mode}', header, cells, caveats(entry, flip_augmentation))


def protocol_table(results: dict) -> Table:
    """One prediction under all protocols and modes: how much the protocol alone moves the numbers."""
    rows = []
    for name, entry in results['protocols'].items():
        for mode, figures in entry['modes'].items():
            f = figures['overall']['all']
            counts = [str(f['pixels']), coverage(f), str(entry['frames'])]
            rows.append([name, mode, *[number(f[m]) for m in METRICS], *counts])
    header = ['', 'mode', *TITLES.values(), 'pixels', 'images', 'frames']
    return Table('The same predictions under each protocol', header, rows)


def consistency_tables(results: dict) -> list:
    """One table per consistency measure."""
    tables = []
    for measure, entry in results['consistency'].items():
        parts = entry.get('pairs') or entry['cameras']
        rows = [
            [
                label,
                *[number(f[m]) for m in METRICS],
                number(f['log_ratio']) if 'log_ratio' in f else '-',
                str(f['points']),
                coverage(f, 'frames'),
            ]
            for label, f in [('overall', entry['overall']), *parts.items()]
        ]
        header = ['', *TITLES.values(), 'ln(2nd/1st)', 'points', 'frames']
        tables.append(Table(f'Cross-view consistency of distances: {measure}', header, rows))
    return tables


def flicker_tables(results: dict) -> list:
    """One table if temporal flicker was measured."""
    entry = results['flicker']
    if not entry:
        return []
    parts = [('overall', entry['overall']), *entry['cameras'].items()]
    rows = [
        [label, number(f['abs_log']), number(f['abs_rel']), str(f['points']), coverage(f, 'frames')]
        for label, f in parts
    ]
    title = f'Temporal flicker of the static world: {entry["frames"]} frames against the one before'
    return [Table(title, ['', 'AbsLog', 'AbsRel', 'points', 'frames'], rows)]


def all_tables(results: dict) -> list:
    """Every table of a results dictionary, the overview last."""
    flip = results['run'].get('flip_augmentation', False)
    tables = [
        camera_table(name, entry, mode, flip)
        for name, entry in results['protocols'].items()
        for mode in entry['modes']
    ]
    return [*tables, *consistency_tables(results), *flicker_tables(results), protocol_table(results)]


def _region_name(region):
    return region if region == 'overlap' else f'{region} m'


def _unknown(value):
    return value is None or math.isnan(value)
