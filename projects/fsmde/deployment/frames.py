"""Frames of a data set as a deployed student is given them."""

import numpy as np
from mmdet3d.registry import DATASETS


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
