"""nuScenes, read from mmdet3d's v2 infos as they are."""

import os.path as osp

import numpy as np
from mmdet3d.registry import DATASETS

from .infos import read_cameras, read_infos, read_pose
from .surround_dataset import SurroundDepthDataset


@DATASETS.register_module()
class NuScenesSurroundDataset(SurroundDepthDataset):
    """Key frames of nuScenes (Caesar et al., CVPR 2020) with depth from the single key-frame sweep.

    Other v2 infos of mmdet3d (KITTI, Waymo, Lyft, your own) are read too, see docs/data.md.

    ``scene`` is the log that a frame was cut from, since the infos do not name scenes; ``frame_id`` is the sample's token,
    or its ``sample_idx`` where there is none. Where the infos have ``ego2global`` and ``lidar2ego``, frames have poses. A
    frame without LiDAR has ``lidar_points={}``.

    Args:
        ann_file: A v2 info file of mmdet3d, such as ``nuscenes_infos_train.pkl``. It is a pickle, as mmdet3d writes it:
            take it from nobody you do not trust.
        data_prefix: Folders under ``data_root``: ``lidar`` of the sweeps, ``img`` of the cameras' folders, and under the
            name of a camera the folder of its images, where that is not ``<img>/<camera>``.
        kwargs: See :class:`SurroundDepthDataset`.

    Raises:
        ValueError: If the info file is of another format (v1 infos among them), is cut or lacks a camera.
    """

    METAINFO = dict(dataset='nuscenes')
    CAMERAS = ('CAM_FRONT', 'CAM_FRONT_LEFT', 'CAM_BACK_LEFT', 'CAM_BACK', 'CAM_BACK_RIGHT', 'CAM_FRONT_RIGHT')
    ROUNDING = 'round'
    MAX_DEPTH = 80.0

    def __init__(self, ann_file='nuscenes_infos_train.pkl', *args, data_prefix: dict = None, **kwargs):
        data_prefix = dict(img='samples', lidar='samples/LIDAR_TOP') if data_prefix is None else data_prefix
        super().__init__(ann_file, *args, data_prefix=data_prefix, **kwargs)

    def load_data_list(self) -> list:
        """One entry a key frame, in the order of the infos."""
        known = {'img', 'lidar', *self.cameras}
        lacking = [] if 'img' in self.data_prefix else [c for c in self.cameras if c not in self.data_prefix]
        if not known.issuperset(self.data_prefix) or lacking:
            raise ValueError(
                f'data_prefix may name img, lidar and cameras, and img unless it names all of {self.cameras}; found '
                f'{sorted(self.data_prefix)}'
            )
        metainfo, data_list = read_infos(self.ann_file)
        if not data_list:
            raise ValueError(f'{self.ann_file} holds no frame')
        return [self._load_frame(number, info, metainfo.get('dataset')) for number, info in enumerate(data_list)]

    def _load_frame(self, number, info, dataset):
        if not isinstance(info, dict):
            raise ValueError(f'{self.ann_file}: entry {number} of data_list must be a dict, found {info!r}')
        name = next((info[key] for key in ('token', 'sample_idx') if info.get(key) is not None), None)
        if name is None:
            raise ValueError(f'{self.ann_file}: entry {number} of data_list has neither a token nor a sample_idx')
        try:
            return self._read_info(info, str(name), dataset)
        except KeyError as error:
            raise ValueError(f'{self.ann_file}: frame {name} has no {error.args[0]!r}') from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(f'{self.ann_file}: frame {name}: {error}') from error

    def _read_info(self, info, name, dataset):
        calibration = read_cameras(info, self.cameras, dataset)
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
        if info.get('ego2global') is not None and cloud.get('lidar2ego') is not None:
            lidar2world = read_pose(info, 'ego2global') @ read_pose(cloud, 'lidar2ego')
            frame['ori_cam2world'] = lidar2world @ np.linalg.inv(frame['lidar2cam'])
        return frame

    def _image_path(self, camera, image):
        if image.get('img_path') is None:
            raise KeyError(f'{camera}: img_path')
        folder = self.data_prefix.get(camera) or osp.join(self.data_prefix['img'], camera)
        return osp.join(folder, osp.basename(image['img_path']))

    def _scene(self, info, frame):
        """Waymo's infos name the drive; nuScenes' files begin with it; of others all frames are of one."""
        name = osp.basename(frame['lidar_path'] or frame['img_path'][0])
        if info.get('context_name'):
            return str(info['context_name'])
        return name.split('__')[0] if '__' in name else osp.splitext(osp.basename(self.ann_file))[0]
