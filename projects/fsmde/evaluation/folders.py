"""Evaluation of predictions that lie in files, of any network."""

import os.path as osp

import torch

from fsmde.output_names import check_frames

from .depth_maps import DepthMapFrames
from .metric import SurroundDepthMetric
from .predictions import prediction_path, read_views


def evaluate_folder(folder: str, dataset, metric: SurroundDepthMetric, progress=iter) -> dict:
    """Evaluate a folder of predictions against the ground truth of a data set.

    Args:
        folder: With ``<frame_id>/<camera>`` as :data:`fsmde.evaluation.predictions.SUFFIXES` says, of any size.
        dataset: A :class:`fsmde.datasets.SurroundDepthDataset` in test mode with a test pipeline; or
            :class:`DepthMapFrames`, whose predictions lie at the same paths as its maps.
        metric: What to measure and where to write it.
        progress: Wraps the iterable of frames, to show how far it is.

    Returns:
        The metric's figures by name; all of them are in its ``results_dict``.

    Raises:
        FileNotFoundError, ValueError: If there is no folder, or a prediction is absent, cut or of another size than those of
            the other cameras; names the file.
    """
    if not osp.isdir(folder):
        raise FileNotFoundError(f'{folder} is no folder with predictions')
    maps = isinstance(dataset, DepthMapFrames)
    if not maps:
        check_frames(folder, dataset)
    metric.dataset_meta = dataset.metainfo
    for index in progress(range(len(dataset))):
        sample = dataset[index] if maps else dataset[index]['data_samples'].to_dict()
        path_of = osp.join if maps else prediction_path
        paths = {camera: path_of(folder, sample['frame_id'], camera) for camera in sample['cam_names']}
        metric.process(None, [dict(sample, pred_depth=torch.from_numpy(read_views(paths)))])
    return metric.evaluate(len(dataset))
