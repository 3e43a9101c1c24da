"""Frames of a data set that fsmde trains on, with their calibration."""

import numpy as np
from PIL import Image

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
            yield Frame(info['frame_id'], dict(zip(self.cameras, info['img_path'])), rig=RigFile(cameras))
