"""What :func:`fsmde.teacher_choice.judge` found in many frames, as numbers and as one table."""

import numpy as np

from fsmde.evaluation.functional import METRICS, metrics_from_sums


def describe(teacher, output, milliseconds: list) -> dict:
    """What a candidate is and costs.

    Args:
        teacher: The :class:`fsmde.models.DepthTeacher`.
        output: Its answer for one frame, before it is replayed.
        milliseconds: Of each frame; the first, which warms up, is left out if there are more.

    Returns:
        dict: ``name``, ``space``, ``licence``, ``ms`` (median), and ``cache_mib``, ``cache_features_mib``, which a frame takes
        in a cache without and with features (None if it has none).
    """
    size = output.depth.numel() * 2 / 2**20
    features = output.features
    return dict(
        name=teacher.name,
        space=output.space,
        licence=teacher.licence,
        ms=float(np.median(milliseconds[1:] or milliseconds)),
        cache_mib=size,
        cache_features_mib=None if features is None else size + features.numel() * 2 / 2**20,
    )


def summary(entries: list) -> dict:
    """Figures of one reading over frames.

    Args:
        entries: What ``judge`` returned for this reading, of each frame.

    Returns:
        dict: By truth ``abs_rel`` and ``d1``, means over views, and their coverage: ``views`` judged of ``views_with_truth``,
        and ``share`` of the pixels with ground truth; ``edges``, the mean F1 over ``views_with_edges``; ``agreement`` with
        ``abs_rel``, ``d1`` and ``points``. None for a mean over nothing.
    """
    found = {}
    for truth in entries[0]['errors']:
        abs_rel, d1, judged, there = np.array([view for e in entries for view in e['errors'][truth]], dtype=float).T
        seen = judged > 0
        found[truth] = dict(
            abs_rel=_mean(abs_rel[seen]),
            d1=_mean(d1[seen]),
            views=int(seen.sum()),
            views_with_truth=int((there > 0).sum()),
            share=float(judged.sum() / max(there.sum(), 1)),
        )
    if 'edges' in entries[0]:
        edges = np.array([score for e in entries for score in e['edges']])
        edges = edges[np.isfinite(edges)]
        found.update(edges=_mean(edges), views_with_edges=len(edges))
    if 'agreement' in entries[0]:
        sums = np.sum([e['agreement'] for e in entries], 0)
        metrics = dict(zip(METRICS, metrics_from_sums(sums)))
        points = int(sums[0])
        found['agreement'] = dict(
            {key: float(metrics[key]) if points else None for key in ('abs_rel', 'd1')}, points=points
        )
    return found


def _mean(values):
    return float(np.mean(values)) if len(values) else None


def table(results: dict) -> str:
    """Markdown of candidates: {name: dict(describe's, readings={reading: summary's})}."""
    first = next(iter(next(iter(results.values()))['readings'].values()))
    truths = [name for name in ('withheld LiDAR', 'dense') if name in first]
    columns = ['teacher', 'reading']
    for name in truths:
        columns += [f'{name} AbsRel', 'δ1', 'views', '% of pixels']
    columns += ['edges F1'] * ('edges' in first) + ['views agree AbsRel'] * ('agreement' in first)
    columns += ['ms a frame', 'MiB a frame (with features)', 'licence']
    rows = [columns, ['---'] * len(columns)]
    for name, entry in results.items():
        for number, (reading, found) in enumerate(entry['readings'].items()):
            row = ['' if number else name, reading]
            for truth in truths:
                figures = found[truth]
                row += [_cell(figures['abs_rel']), _cell(figures['d1'])]
                row += [f'{figures["views"]} of {figures["views_with_truth"]}', f'{100 * figures["share"]:.1f}']
            if 'edges' in first:
                row.append(_cell(found['edges']))
            if 'agreement' in first:
                row.append(_cell(found['agreement']['abs_rel']))
            with_features = entry['cache_features_mib']
            cost = [f'{entry["ms"]:.0f}', f'{entry["cache_mib"]:.2f}', entry['licence'] or 'not known']
            cost[1] += f' ({with_features:.2f})' if with_features else ''
            rows.append(row + (['', '', ''] if number else cost))
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def _cell(value):
    return '-' if value is None else f'{value:.3f}'
