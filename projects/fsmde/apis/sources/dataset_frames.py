"""Frames of a data set that fsmde trains on, with their calibration."""

from functools import partial

import numpy as np
from mmdet3d.registry import DATASETS
from PIL import Image

from fsmde.engine.launch import read_config
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from ..frame import Frame
from .base import Source


class DatasetFrames(Source):
    """The frames of a :class:`fsmde.datasets.SurroundDepthDataset`, whole images without its pipeline.

    Args:
        dataset: The data set, such as ``DDADDataset(data_root='DDAD', split='val', test_mode=True)``.
    """

    def __init__(self, dataset):
        self.dataset = dataset
        self.cameras = tuple(dataset.cameras)

    @classmethod
    def of_config(cls, path, data_root: str = None) -> 'DatasetFrames':
        """The test set of a config, which is executed.

        Args:
            path: The config file.
            data_root: See :func:`fsmde.engine.launch.read_config`.

        Raises:
            FileNotFoundError, ValueError: If there is no such config or it has no test set.
        """
        config = read_config(str(path), data_root)
        dataset = (config.get('test_dataloader') or {}).get('dataset')
        if not dataset:
            raise ValueError(f'{path} has no test_dataloader.dataset to take frames of')
        return cls(DATASETS.build(dict(dataset, pipeline=[], test_mode=True)))

    def __len__(self):
        return len(self.dataset)

    def __iter__(self):
        for index in range(len(self)):
            info = self.dataset.get_data_info(index)
            cameras = []
            for n, name in enumerate(self.cameras):
                with Image.open(info['img_path'][n]) as header:
                    size = header.size
                cameras.append(RigCamera(name, size, info['cam2img'][n], cam2ego=np.array(info['cam2ego'][n])))
            images = dict(zip(self.cameras, info['img_path']))
            yield Frame(info['frame_id'], images, rig=RigFile(cameras), lidar=partial(self._lidar, index))

    def _lidar(self, index):
        pixels, visible, _ = self.dataset.lidar_pixels(index)
        mine = [(pixels.camera == n) & visible for n in range(len(self.cameras))]
        return {name: (pixels.u[m], pixels.v[m], pixels.z[m]) for name, m in zip(self.cameras, mine)}
