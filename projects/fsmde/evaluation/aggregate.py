"""From per-frame sums to the figures of a table: which frames count, what is pooled, what is averaged over what."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from .frame import Regions, rescaling, scaled_sums
from .functional import metrics_from_sums
from .ground_truth import TruthPixels
from .protocols import Protocol
from .spool import pooled_from_arrays, read_spooled


@dataclass
class Summary:
    """The figures of one protocol in one mode over G images or groups.

    Args:
        overall: (R, 8) metrics.
        cameras: (N, R, 8) metrics.
        counts: (N, R, 4) valid pixels, non-finite predictions among them, images with any valid pixel, and G.
    """

    overall: np.ndarray
    cameras: np.ndarray
    counts: np.ndarray


def mean_of_known(values, axis: int) -> np.ndarray:
    """Mean over an axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis)
    total = np.where(known, values, 0).sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def distinct_frames(rows: list) -> list:
    """Each frame once, by ascending source and index: samplers repeat frames to fill up the last batch of each rank.

    Where data sets are joined and their frames have names in common, ``part<n>/`` stands before scene and frame_id.

    Raises:
        ValueError: If a data set has a frame twice.
    """
    rows = [row for _, row in sorted({(row.source, row.index): row for row in reversed(rows)}.items())]
    counts = Counter((row.source, row.frame_id) for row in rows)
    twice = [frame_id for (_, frame_id), count in counts.items() if count > 1]
    if twice:
        raise ValueError(
            f'frame {twice[0]} is in the data set more than once and would count as often: only_labelled is for training '
            'data sets'
        )
    if len({row.frame_id for row in rows}) == len(rows):
        return rows
    parts = {source: f'part{n}' for n, source in enumerate(dict.fromkeys(row.source for row in rows))}
    return [
        replace(row, frame_id=f'{parts[row.source]}/{row.frame_id}', scene=f'{parts[row.source]}/{row.scene}')
        for row in rows
    ]


def counted_frames(protocol: Protocol, dataset: str, rows: list, frame_list: list = None) -> list:
    """The frames that a protocol counts, in the order in which it groups them.

    Args:
        dataset: Name of the data set, which the rule may depend on, see :func:`fsmde.evaluation.protocols.identity`.
        rows: Of :func:`distinct_frames`.
        frame_list: ``frame_id`` of those to count instead of the protocol's rule, in their order.

    Raises:
        ValueError: If a listed frame was not evaluated, or is listed twice.
    """
    if frame_list is not None:
        twice = [frame_id for frame_id, count in Counter(frame_list).items() if count > 1]
        if twice:
            raise ValueError(f'the frame list has {len(twice)} frames more than once, such as {twice[0]!r}')
        by_id = {row.frame_id: row for row in rows}
        missing = [frame_id for frame_id in frame_list if frame_id not in by_id]
        if missing:
            raise ValueError(
                f'{len(missing)} of the {len(frame_list)} frames of the frame list were not evaluated, the first is '
                f'{missing[0]!r}; frames are named as in {rows[0].frame_id!r}'
            )
        return [by_id[frame_id] for frame_id in frame_list]
    rule = protocol.frames.get(dataset, 'all')
    if rule == 'day':
        return [row for row in rows if 'night' not in row.tags]
    if rule == 'all':
        return rows
    first, last = {}, {}
    for place, row in enumerate(rows):
        first.setdefault(row.scene, place)
        last[row.scene] = place
    return [row for place, row in enumerate(rows) if place not in (first[row.scene], last[row.scene])]


def grouped(protocol: Protocol, rows: list) -> list:
    """Consecutive counted frames of a source in lists of ``group_size``; an incomplete last one is dropped."""
    size = protocol.group_size
    parts = [list(part) for _, part in groupby(rows, lambda row: row.source)]
    return [part[start : start + size] for part in parts for start in range(0, len(part) - size + 1, size)]


def group_frame_sums(protocol: Protocol, depth_range, regions: Regions, group: list, modes) -> np.ndarray:
    """Sums (F, M, N, R, 10) of the F frames of a group, scales fitted over the whole group.

    Args:
        depth_range: (min_depth, max_depth) in metres.
        group: F rows.
    """
    sums = np.stack([row.sums[protocol.name] for row in group])
    if protocol.averaging == 'image' or tuple(modes) == ('metric',):
        return sums
    frames = [pooled_from_arrays(read_spooled(row.pixels[protocol.name])) for row in group]
    z, camera, pred = (
        np.concatenate(x) for x in ([t.z for t, _ in frames], [t.camera for t, _ in frames], [p for _, p in frames])
    )
    pooled = TruthPixels(camera, None, None, z, None, None, None)
    result = []
    for mode in modes:
        way = rescaling(mode, pooled, pred, sums.shape[2], protocol.median)
        result.append([scaled_sums(depth_range, regions, t, p, way, sums.shape[2]) for t, p in frames])
    return np.stack(result, 1)


def summarise(protocol: Protocol, sums) -> Summary:
    """Average as a protocol does.

    An image without a valid pixel in a region does not take part in that region's means.

    Args:
        sums: (G, N, R, 10) sums of G images, or of G groups for a protocol that pools.
    """
    values = metrics_from_sums(sums)
    cameras = mean_of_known(values, 0)
    # The same unless something is missing: then the published code averages in these orders.
    inner = cameras if protocol.averaging == 'image' else mean_of_known(values, 1)
    known = (sums[..., 0] > 0).sum(0)
    counts = np.stack([sums[..., 0].sum(0), sums[..., -1].sum(0), known, np.full_like(known, len(sums))], -1)
    return Summary(mean_of_known(inner, 0), cameras, counts)
