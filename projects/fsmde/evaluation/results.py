"""What an evaluation comes to: the entries of results.json, and one row an image."""

import numpy as np
from mmengine.logging import MMLogger

from .aggregate import Summary, counted_frames, group_frame_sums, grouped, mean_of_known, summarise
from .consistency import cylinderdepth_protocol
from .functional import METRICS, metrics_from_sums
from .protocols import Protocol, differences, identity


def protocol_results(
    protocol: Protocol, rows: list, regions, modes, dataset_meta: dict, frame_list: list = None, expected: int = None
):
    """Figures of one protocol, and its images.

    Args:
        rows: Distinct :class:`fsmde.evaluation.rows.FrameRow` by ascending index.
        dataset_meta: Its ``dataset`` and ``cam_names``.
        frame_list: See :func:`fsmde.evaluation.aggregate.counted_frames`.
        expected: Number of frames of the data set, if known.

    Returns:
        tuple: The protocol's entry of results.json, and a list of rows of :data:`fsmde.evaluation.result_files.CSV_COLUMNS`.
    """
    dataset, cameras = identity(dataset_meta), dataset_meta['cam_names']
    counted = counted_frames(protocol, dataset, rows, frame_list)
    groups = grouped(protocol, counted)
    near, far = protocol.range_for(dataset_meta)
    entry = dict(
        settings=dict(protocol.to_dict(), max_depth=far),
        frames=sum(map(len, groups)),
        frames_left_out=len(rows) - sum(map(len, groups)),
        frames_not_evaluated=max(0, (expected or 0) - len(rows)),
        published_frames=protocol.published_frames.get(dataset),
        differences=differences(dataset_meta),
        masked_points=sum(row.masked for row in counted) if protocol.mask else 0,
        modes={},
    )
    images, sums = [], []
    for group in groups:
        of_frames = group_frame_sums(protocol, (near, far), regions, group, modes)
        images += _image_rows(protocol, group, of_frames[:, :, :, 0], modes, cameras)
        sums.append(of_frames.sum(0))
    if not groups:
        return entry, images
    sums = np.stack(sums)
    for m, mode in enumerate(modes):
        figures = summary_to_dict(summarise(protocol, sums[:, m]), regions.names, cameras)
        tags = sorted({tag for row in counted for tag in row.tags})
        figures['tags'] = {}
        for tag in tags:
            # Of a group that a protocol pools, all frames must carry the tag.
            which = [all(tag in row.tags for row in group) for group in groups]
            if any(which):
                part = summary_to_dict(summarise(protocol, sums[which, m]), regions.names, cameras)
                figures['tags'][tag] = part['overall']
        entry['modes'][mode] = figures
    return entry, images


def summary_to_dict(summary: Summary, regions: tuple, cameras) -> dict:
    """``{'overall': {region: figures}, 'cameras': {camera: {region: figures}}}``, metrics and counts by name.

    ``images`` of ``of_images`` stand behind a figure; of the others a region has no ground truth.
    """

    def figures(metrics, counts):
        names = ('pixels', 'non_finite', 'images', 'of_images')
        return dict(zip(METRICS, metrics.tolist()), **dict(zip(names, map(int, counts))))

    def by_region(metrics, counts):
        return {region: figures(metrics[r], counts[r]) for r, region in enumerate(regions)}

    return dict(
        overall=by_region(summary.overall, summary.counts.sum(0)),
        cameras={c: by_region(summary.cameras[n], summary.counts[n]) for n, c in enumerate(cameras)},
    )


def _image_rows(protocol, group, sums, modes, cameras):
    values = metrics_from_sums(sums)
    for f, row in enumerate(group):
        for m, mode in enumerate(modes):
            for n, camera in enumerate(cameras):
                counts = [int(sums[f, m, n, 0]), int(sums[f, m, n, -1])]
                yield [
                    row.index,
                    row.frame_id,
                    row.scene,
                    camera,
                    protocol.name,
                    mode,
                    *counts,
                    *values[f, m, n].tolist(),
                ]


def consistency_results(rows: list, pairs, cameras) -> dict:
    """Cross-view figures by measure.

    ``occlusion_tested``: metrics of each frame and pair, mean over a pair's frames, mean over pairs; ``log_ratio`` is
    the mean of ln(second camera's distance / first camera's), positive where the second sees things farther away;
    ``scenes`` holds each scene's and pair's mean AbsRel over frames and the number of these frames.
    ``cylinderdepth``: pooled and averaged as that code does. ``frames`` of ``of_frames`` (of all pairs together in
    ``overall``, groups where they are pooled) stand behind a figure.

    Args:
        rows: Distinct :class:`fsmde.evaluation.rows.FrameRow` by ascending index.
        pairs: (Q, 2) cameras.
    """
    results = {}
    measures = rows[0].consistency
    if 'occlusion_tested' in measures and len(pairs):
        other = next((row for row in rows if not np.array_equal(row.pairs, pairs)), None)
        if other is not None:
            # Everything else of a long evaluation is worth having.
            MMLogger.get_current_instance().warning(
                f'no occlusion_tested consistency: frames {rows[0].frame_id} and {other.frame_id} have other adjacent '
                f'cameras: {np.array(pairs).tolist()} and {other.pairs.tolist()}; evaluate them apart'
            )
            measures = {key: sums for key, sums in measures.items() if key != 'occlusion_tested'}
    if 'occlusion_tested' in measures and len(pairs):
        sums = np.stack([row.consistency['occlusion_tested'] for row in rows])
        both = sums.sum(2)
        values = mean_of_known(metrics_from_sums(both), 0)
        log_ratio = mean_of_known(
            np.where(both[..., 0] > 0, sums[:, :, 0, 5] / np.maximum(sums[:, :, 0, 0], 1), np.nan), 0
        )
        points = sums[:, :, 0, 0].sum(0)
        frames = (both[..., 0] > 0).sum(0)
        results['occlusion_tested'] = dict(
            overall=dict(
                zip(METRICS, mean_of_known(values, 0).tolist()),
                points=int(points.sum()),
                frames=int(frames.sum()),
                of_frames=both.shape[0] * both.shape[1],
            ),
            pairs={
                f'{cameras[a]}-{cameras[b]}': dict(
                    zip(METRICS, values[q].tolist()),
                    log_ratio=float(log_ratio[q]),
                    points=int(points[q]),
                    frames=int(frames[q]),
                    of_frames=len(rows),
                )
                for q, (a, b) in enumerate(pairs)
            },
            scenes=_consistency_by_scene(rows, pairs, cameras, both),
        )
    if 'cylinderdepth' in measures:
        protocol = cylinderdepth_protocol()
        groups = grouped(protocol, rows)
        if groups:
            sums = np.stack([sum(row.consistency['cylinderdepth'] for row in group) for group in groups])
            summary = summarise(protocol, sums[:, :, None])
            results['cylinderdepth'] = dict(
                overall=_with_counts(summary.overall[0], summary.counts[:, 0].sum(0)),
                cameras={c: _with_counts(summary.cameras[n, 0], summary.counts[n, 0]) for n, c in enumerate(cameras)},
            )
    return results


def _with_counts(metrics, counts):
    points, _, frames, of_frames = map(int, counts)
    return dict(zip(METRICS, metrics.tolist()), points=points, frames=frames, of_frames=of_frames)


def _consistency_by_scene(rows, pairs, cameras, sums):
    scenes = np.array([row.scene for row in rows])
    abs_rel = metrics_from_sums(sums)[..., METRICS.index('abs_rel')]
    by_scene = {}
    for scene in dict.fromkeys(scenes.tolist()):
        values = abs_rel[scenes == scene]
        mean, frames = mean_of_known(values, 0), (~np.isnan(values)).sum(0)
        by_scene[scene] = {
            f'{cameras[a]}-{cameras[b]}': dict(abs_rel=float(mean[q]), frames=int(frames[q]))
            for q, (a, b) in enumerate(pairs)
        }
    return by_scene
