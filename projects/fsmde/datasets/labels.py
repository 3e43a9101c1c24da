"""Which frames of an index keep their labels, the LiDAR, in training."""

import numpy as np
from mmengine.logging import MMLogger


def with_labels(infos: list, labelled_fraction: float, only_labelled: bool, ann_file: str) -> list:
    """Mark the entries of an index that have labels (``labelled``), and replace the others if they are not wanted.

    Args:
        infos: Entries with ``lidar_path``, None in a frame without LiDAR; how many those are is logged.
        labelled_fraction, only_labelled: See :class:`fsmde.datasets.SurroundDepthDataset`.
        ann_file: Of the index, for messages.

    Raises:
        ValueError: If labelled frames are wanted alone, and there is none.
    """
    count = len(infos)
    scanned = np.flatnonzero([info['lidar_path'] is not None for info in infos])
    if len(scanned) < count:
        MMLogger.get_current_instance().warning(
            f'{ann_file}: {count - len(scanned)} of {count} frames have no LiDAR: no ground truth in training or '
            'evaluation, only what a teacher says'
        )
    if labelled_fraction == 0 and len(scanned):
        MMLogger.get_current_instance().warning(
            f'{ann_file}: labelled_fraction=0, no frame keeps its LiDAR: what is metric comes from a metric teacher or a '
            'labelled data set beside it'
        )
    labelled = np.zeros(count, dtype=bool)
    labelled[scanned] = evenly_spread(len(scanned), labelled_fraction)
    for info, has_labels in zip(infos, labelled):
        info['labelled'] = bool(has_labels)
    if not only_labelled:
        return infos
    kept = [info for info in infos if info['labelled']]
    if not kept:
        raise ValueError(
            f'{ann_file}: only_labelled=True, and none of {count} frames keeps LiDAR (labelled_fraction='
            f'{labelled_fraction})'
        )
    return [kept[i * len(kept) // count] for i in range(count)]


def evenly_spread(count: int, fraction: float) -> np.ndarray:
    """(count,) bool, True at round(fraction * count), at least one, evenly spaced places: those of four in twelve are
    1, 4, 7 and 10, the middles of four equal parts. A fraction of 0 has none.
    """
    chosen = np.zeros(count, dtype=bool)
    if not fraction:
        return chosen
    number = min(count, max(1, round(fraction * count)))
    chosen[((np.arange(number) + 0.5) * count / number).astype(int)] = True
    return chosen
