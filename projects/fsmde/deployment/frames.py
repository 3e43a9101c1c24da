"""Frames of a data set as a deployed student is given them."""

import numpy as np
from mmdet3d.registry import DATASETS

from .onnx_session import OnnxSession


def deployment_frames(dataset_config: dict, pipeline: list, count: int):
    """Yield evenly spaced frames of a data set.

    Args:
        dataset_config: Config of a surround data set, without wrappers.
        pipeline: A deterministic pipeline, such as that of the test.
        count: Number of frames; all if there are fewer.

    Yields:
        images (1, N, H, W, 3) uint8 RGB, fx (1, N) float32, and the frame's
        :class:`fsmde.structures.SurroundDepthSample`.

    Raises:
        ValueError: If the data set is wrapped in another one.
    """
    if 'pipeline' not in dataset_config:
        raise ValueError(f'expected the config of a data set with a pipeline, found {sorted(dataset_config)}')
    dataset = DATASETS.build(dict(dataset_config, pipeline=pipeline, test_mode=True))
    for index in np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int):
        frame = dataset[int(index)]
        images = frame['inputs']['img'].flip(1).permute(0, 2, 3, 1)[None].contiguous().numpy()
        sample = frame['data_samples']
        yield images, np.asarray(sample.cam2img[None, :, 0, 0], dtype=np.float32), sample


def lidar_error(depth: np.ndarray, sample, max_depth: float) -> float:
    """Mean over LiDAR pixels of |depth - lidar| / lidar, (N, H, W) metres; NaN without LiDAR."""
    truth = sample.gt_depth.numpy()
    used = (truth > 0) & (truth <= max_depth) & sample.valid_mask.numpy()
    return float((np.abs(depth - truth)[used] / truth[used]).mean()) if used.any() else float('nan')


def graph_errors(paths: list, dataset_config: dict, pipeline: list, count: int, max_depth: float) -> tuple:
    """What exported graphs of one student say of a data set's frames, against LiDAR and against the first graph.

    Args:
        paths: Of ONNX files.
        dataset_config, pipeline, count: See :func:`deployment_frames`.
        max_depth: Metres: LiDAR beyond it is left out.

    Returns:
        Number of frames, and by path means over them of :func:`lidar_error` and of the relative difference from the first
        graph.
    """
    sessions = {path: OnnxSession(path) for path in paths}
    errors, differences = ({path: [] for path in paths} for _ in range(2))
    for images, fx, sample in deployment_frames(dataset_config, pipeline, count):
        depths = {path: session(images, fx)[0][0] for path, session in sessions.items()}
        for path, depth in depths.items():
            errors[path].append(lidar_error(depth, sample, max_depth))
            differences[path].append((np.abs(depth - depths[paths[0]]) / depths[paths[0]]).mean())
    means = {path: (float(np.nanmean(errors[path])), float(np.mean(differences[path]))) for path in paths}
    return len(errors[paths[0]]), means
