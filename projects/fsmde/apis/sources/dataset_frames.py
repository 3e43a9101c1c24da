"""Frames of a data set that fsmde trains on, with their calibration."""

from functools import partial

import numpy as np
from mmdet3d.registry import DATASETS
from PIL import Image

from fsmde.config_types import type_name
from fsmde.engine.config_files import of_one_rig, read_config
from fsmde.lenses import Lens
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
            data_root: See :func:`fsmde.engine.config_files.read_config`.

        Raises:
            FileNotFoundError, ValueError: If there is no such config or it has no test set.
        """
        config = read_config(str(path), data_root)
        dataset = (config.get('test_dataloader') or {}).get('dataset')
        if not dataset:
            raise ValueError(f'{path} has no test_dataloader.dataset to take frames of')
        of_one_rig(dataset, path)
        # Of the pipeline only what says which views stand for a camera; the inferencer makes them.
        pipeline = [t for t in dataset.get('pipeline') or [] if type_name(t) == 'RectifyViews']
        return cls(DATASETS.build(dict(dataset, pipeline=pipeline, test_mode=True)))

    def __len__(self):
        return len(self.dataset)

    def __iter__(self):
        for index in range(len(self)):
            info = self.dataset.get_data_info(index)
            lenses = info.get('lenses') or [Lens()] * len(self.cameras)
            views = self.dataset.rectification.views if self.dataset.rectification else {}
            cameras = []
            for n, name in enumerate(self.cameras):
                with Image.open(info['img_path'][n]) as header:
                    size = header.size
                pose = np.array(info['cam2ego'][n])
                cameras.append(RigCamera(name, size, info['cam2img'][n], lenses[n], pose, views=views.get(name, ())))
            images = dict(zip(self.cameras, info['img_path']))
            rig = RigFile(cameras)
            yield Frame(info['frame_id'], images, rig=rig, lidar=partial(self._lidar, index, rig))

    def _lidar(self, index, rig):
        """LiDAR in the original images, through their lenses; what shows the car itself is left out."""
        info, found = self.dataset.get_data_info(index), {}
        if not info.get('lenses') and not any(camera.views for camera in rig.cameras):
            pixels, visible, _ = self.dataset.lidar_pixels(index)  # By the data set's own rule of rounding.
            mine = [(pixels.camera == n) & visible for n in range(len(self.cameras))]
            return {name: (pixels.u[m], pixels.v[m], pixels.z[m]) for name, m in zip(self.cameras, mine)}
        masks = self.dataset.load_masks(info, [camera.size[::-1] for camera in rig.cameras])
        points = self.dataset.load_cloud(info)
        for camera, lidar2cam, mask in zip(rig.cameras, info['lidar2cam'], masks):
            in_camera = points @ lidar2cam[:3, :3].T + lidar2cam[:3, 3]
            in_camera = in_camera[in_camera[:, 2] > 0]
            pixels = camera.pixels_of(in_camera)
            seen = np.isfinite(pixels[:, 0])
            u, v = pixels[seen].astype(int).T
            visible = mask[v, u]
            found[camera.name] = u[visible], v[visible], in_camera[seen, 2][visible]
        return found
