"""Any data set that mmdet3d's v2 infos describe."""

import os.path as osp

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.logging import MMLogger

from .infos import LIDAR_IS_EGO, read_cameras, read_infos, read_pose
from .surround_dataset import SurroundDepthDataset


@DATASETS.register_module()
class InfosSurroundDataset(SurroundDepthDataset):
    """Frames of mmdet3d's v2 infos: KITTI's, Waymo's, Lyft's, your own; see docs/data.md.

    ``scene`` is the infos' ``context_name`` (Waymo's), or the part of the LiDAR file's name before the first ``__``
    (nuScenes' logs), or else the info file's name; ``frame_id`` is the sample's token, or its ``sample_idx`` where there
    is none. Where the infos have ``ego2global`` and ``lidar2ego``, frames have poses. A frame without LiDAR has
    ``lidar_points={}``.

    Args:
        ann_file: A v2 info file of mmdet3d. It is a pickle, as mmdet3d writes it: take it from nobody you do not trust.
        cameras: Names in the order of the N axis; by default those of which a frame has an image, in the infos' order.
        data_prefix: Folders under ``data_root``: ``lidar`` of the sweeps, ``img`` of the cameras' folders, and under the
            name of a camera the folder of its images, where that is not ``<img>/<camera>``.
        lidar_is_ego: Whether LiDAR points are in an ego frame, x forward, y left, z up, which stands for a ``lidar2ego``
            that the infos do not state. By default so for :data:`fsmde.datasets.infos.LIDAR_IS_EGO`, by the name in the
            infos' metainfo, which is logged.
        kwargs: See :class:`SurroundDepthDataset`; ``metainfo=dict(dataset=...)`` to name the data set otherwise than the
            infos do.

    Raises:
        ValueError: If the info file is of another format (v1 infos among them), is cut, lacks a camera, or states a
            ``lidar2ego`` that ``lidar_is_ego=True`` contradicts.
    """

    METAINFO = dict(dataset=None)
    ROUNDING = 'floor'

    def __init__(self, ann_file, *args, data_prefix: dict = None, lidar_is_ego: bool = None, **kwargs):
        self.lidar_is_ego, self._lidar_in_ego = lidar_is_ego, lidar_is_ego
        super().__init__(ann_file, *args, data_prefix=data_prefix or {}, **kwargs)

    def load_data_list(self) -> list:
        """One entry a frame, in the order of the infos."""
        metainfo, data_list = read_infos(self.ann_file)
        if not data_list:
            raise ValueError(f'{self.ann_file} holds no frame')
        if not self.cameras:
            self.cameras = self._cameras_of(data_list)
        self._check_prefix()
        dataset = metainfo.get('dataset')
        if self._metainfo.get('dataset') is None:
            self._metainfo['dataset'] = dataset
        if self.lidar_is_ego is None:
            self._lidar_in_ego = str(dataset).lower() in LIDAR_IS_EGO
            if self._lidar_in_ego:
                MMLogger.get_current_instance().info(
                    f'{self.ann_file} is of {dataset}: its LiDAR points are taken to be in the ego frame (lidar_is_ego)'
                )
        frames = [self._load_frame(number, info) for number, info in enumerate(data_list)]
        self._refuse_shared_files(frames, data_list)
        if str(dataset).lower() == 'waymo':
            MMLogger.get_current_instance().warning(
                f'{self.ann_file}: images of Waymo are not undistorted, and infos do not have its lenses: ground truth is off '
                'by up to 20 pixels in the corners. WaymoSurroundDataset reads them (docs/data.md)'
            )
        return frames

    def _cameras_of(self, data_list):
        images = [info.get('images') if isinstance(info, dict) else None for info in data_list]
        # Of all frames: one that lacks a camera is named when it is read. KITTI's have R0_rect beside the cameras.
        found = dict.fromkeys(
            name
            for of_frame in images
            for name, image in (of_frame.items() if isinstance(of_frame, dict) else ())
            if isinstance(image, dict) and image.get('img_path')
        )
        if not found:
            raise ValueError(f'{self.ann_file}: no frame has images: state cameras')
        return list(found)

    def _check_prefix(self):
        known = {'img', 'lidar', *self.cameras}
        lacking = [] if 'img' in self.data_prefix else [c for c in self.cameras if c not in self.data_prefix]
        if not known.issuperset(self.data_prefix) or lacking:
            raise ValueError(
                f'data_prefix may name img, lidar and cameras, and img unless it names all of {self.cameras}; found '
                f'{sorted(self.data_prefix)}'
            )

    def _load_frame(self, number, info):
        if not isinstance(info, dict):
            raise ValueError(f'{self.ann_file}: entry {number} of data_list must be a dict, found {info!r}')
        name = next((info[key] for key in ('token', 'sample_idx') if info.get(key) is not None), None)
        if name is None:
            raise ValueError(f'{self.ann_file}: entry {number} of data_list has neither a token nor a sample_idx')
        try:
            return self._read_info(info, str(name))
        except KeyError as error:
            raise ValueError(f'{self.ann_file}: frame {name} has no {error.args[0]!r}') from error
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(f'{self.ann_file}: frame {name}: {error}') from error

    def _read_info(self, info, name):
        calibration = read_cameras(info, self.cameras, self._lidar_in_ego)
        if info.get('lidar_points') is None:
            raise ValueError('it has no lidar_points; a frame without LiDAR has lidar_points={}')
        frame = dict(
            calibration,
            frame_id=name,
            timestamp=info.get('timestamp'),
            img_path=[self._image_path(camera, info['images'][camera]) for camera in self.cameras],
            lidar_path=None,
        )
        cloud = info['lidar_points']
        if cloud.get('lidar_path'):
            if 'lidar' not in self.data_prefix:
                raise ValueError(f'it has a LiDAR, and data_prefix no lidar: {self.data_prefix}')
            frame['lidar_path'] = osp.join(self.data_prefix['lidar'], osp.basename(cloud['lidar_path']))
            frame['lidar_dims'] = int(cloud['num_pts_feats'])
        frame['scene'] = self._scene(info, frame)
        if info.get('ego2global') is not None:
            ego2world = read_pose(info, 'ego2global')
            if cloud.get('lidar2ego') is not None:
                # lidar2cam knows that the car has moved between the sweep and the image.
                frame['ori_cam2world'] = ego2world @ read_pose(cloud, 'lidar2ego') @ np.linalg.inv(frame['lidar2cam'])
            elif not cloud:
                frame['ori_cam2world'] = ego2world @ frame['cam2ego']
        return frame

    def _image_path(self, camera, image):
        if image.get('img_path') is None:
            raise KeyError(f'{camera}: img_path')
        folder = self.data_prefix.get(camera) or osp.join(self.data_prefix['img'], camera)
        return osp.join(folder, osp.basename(image['img_path']))

    def _refuse_shared_files(self, frames, data_list):
        """Infos state files with or without folders, of which data_prefix names one a sensor: two may become one."""
        stated = {}
        for frame, info in zip(frames, data_list):
            pairs = [
                (path, info['images'][camera]['img_path']) for camera, path in zip(self.cameras, frame['img_path'])
            ]
            if frame['lidar_path']:
                pairs.append((frame['lidar_path'], info['lidar_points']['lidar_path']))
            for path, said in pairs:
                if stated.setdefault(path, said) != said:
                    raise ValueError(
                        f'{path} would be read for {stated[path]} and for {said}: data_prefix names one folder a sensor, so '
                        'file names must differ (an info file for each folder, several in a ConcatDataset)'
                    )

    def _scene(self, info, frame):
        """Waymo's infos name the drive; nuScenes' files begin with it; of others all frames are of one."""
        name = osp.basename(frame['lidar_path'] or frame['img_path'][0])
        if info.get('context_name'):
            return str(info['context_name'])
        return name.split('__')[0] if '__' in name else osp.splitext(osp.basename(self.ann_file))[0]
