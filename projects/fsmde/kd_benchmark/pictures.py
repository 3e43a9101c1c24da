"""A suite's pictures: bars of gains, and one held-out frame as every arm sees it."""

import math
from pathlib import Path

import cv2
import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.registry import init_default_scope

from fsmde.evaluation.predictions import read_frame
from fsmde.output_files import write_figure
from fsmde.visualization import ring_order
from fsmde.visualization.frames import write_jpeg
from fsmde.visualization.panels import draw_comparison

from .comparison import MEASURES


def draw_gains(arms: dict, title: str, path) -> None:
    """Bars of the gains of every arm on every measure with their intervals, as an image file.

    Args:
        arms: Of :func:`fsmde.kd_benchmark.comparison.compare`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = {name: arm for name, arm in arms.items() if any(gain.seeds for gain in arm['gains'].values())}
    measures = [measure for measure in MEASURES if any(measure in arm['gains'] for arm in shown.values())]
    if not shown:
        return
    figure = Figure(figsize=(9, 1.2 + 0.4 * len(shown)), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    height = 0.8 / len(measures)
    for m, measure in enumerate(measures):
        for row, arm in enumerate(shown.values()):
            gain = arm['gains'].get(measure)
            if gain is None or not gain.seeds:
                continue
            place, mean = row + (m + 0.5) * height - 0.4, 100 * gain.mean
            axes.barh(place, mean, height, color=f'C{m}')
            if not math.isnan(gain.low):
                axes.plot([100 * gain.low, 100 * gain.high], [place, place], color='black', linewidth=1)
    axes.axvline(0, color='black', linewidth=0.8)
    axes.set(yticks=range(len(shown)), xlabel='% less error than the baseline', title=title)
    axes.set_yticklabels([arm['title'] for arm in shown.values()], fontsize=8)
    axes.invert_yaxis()
    axes.legend([Patch(color=f'C{m}') for m in range(len(measures))], [MEASURES[m] for m in measures], fontsize=8)
    write_figure(path, figure, dpi=110)


def draw_frame(runs: dict, path, cell_width: int = 200) -> str:
    """One held-out frame: images, dense ground truth where there is one, and each arm's prediction.

    Args:
        runs: One finished :class:`fsmde.kd_benchmark.Run` by the name of its row. Those whose predictions are no longer in
            their work directories are left out, but a picture that is there gives way to one of all alone. The first names
            the data set.
        cell_width: Width in pixels of one camera's picture.

    Returns:
        The frame's id; None if nothing is drawn.
    """
    folders = {name: Path(run.work_dir, f'{run.split}_predictions') for name, run in runs.items()}
    at_hand = {name: folder for name, folder in folders.items() if folder.is_dir()}
    if not at_hand or len(at_hand) < len(folders) and Path(path).exists():
        return None
    first = next(iter(runs.values()))
    cfg = first.evaluate_on_split(first.read_config())
    init_default_scope('mmdet3d')
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    frame = dataset[len(dataset) // 2]
    sample, images = frame['data_samples'], frame['inputs']['img'].numpy()[:, ::-1]
    depths = {}
    if 'dense_depth' in sample:
        height, width = images.shape[2:]
        nearest = dict(dsize=(width, height), interpolation=cv2.INTER_NEAREST)
        depths['dense truth'] = np.stack([cv2.resize(depth, **nearest) for depth in sample.dense_depth])
    for name, folder in at_hand.items():
        depths[name] = np.nan_to_num(read_frame(str(folder), sample.frame_id, sample.cam_names))
    order = ring_order(sample.cam2ego)
    picture = draw_comparison(images, depths, sample.cam_names, max_depth=100.0, order=order, cell_width=cell_width)
    write_jpeg(path, picture)
    return sample.frame_id
