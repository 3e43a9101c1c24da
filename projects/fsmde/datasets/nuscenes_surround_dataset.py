"""nuScenes, read from mmdet3d's v2 infos as they are."""

import os.path as osp
import pickle

import numpy as np
from mmdet3d.registry import DATASETS

from .surround_dataset import SurroundDepthDataset


@DATASETS.register_module()
class NuScenesSurroundDataset(SurroundDepthDataset):
    """Key frames of nuScenes (Caesar et al., CVPR 2020) with depth from the single key-frame sweep.

    ``scene`` is the log that a frame was cut from, since the infos do not name scenes; ``frame_id`` is the sample's token.
    Where the infos have ``ego2global`` and ``lidar2ego``, frames have poses.

    Args:
        ann_file: A v2 info file of mmdet3d, such as ``nuscenes_infos_train.pkl``. It is a pickle, as mmdet3d writes it:
            take it from nobody you do not trust.
        data_prefix: Folders of the images and sweeps under ``data_root``.
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
        try:
            with open(self.ann_file, 'rb') as file:
                content = pickle.load(file)
        except (pickle.UnpicklingError, EOFError) as error:
            raise ValueError(f'{self.ann_file} is cut or no pickle: {error}') from error
        if not isinstance(content, dict) or 'data_list' not in content:
            found = list(content) if isinstance(content, dict) else type(content).__name__
            raise ValueError(
                f'{self.ann_file} holds {found}, not the v2 infos (metainfo, data_list) of mmdet3d >= 1.1; convert old '
                "ones with mmdet3d's tools/dataset_converters/update_infos_to_v2.py"
            )
        if not content['data_list']:
            raise ValueError(f'{self.ann_file} holds no frame')
        return [self._load_frame(info) for info in content['data_list']]

    def _load_frame(self, info):
        try:
            frame = self._read_info(info)
        except KeyError as error:
            raise ValueError(f'{self.ann_file}: frame {info.get("token")} has no {error}') from error
        self.check_rig(frame)
        return frame

    def _read_info(self, info):
        absent = [camera for camera in self.cameras if camera not in info['images']]
        if absent:
            raise ValueError(
                f'{self.ann_file}: frame {info["token"]} has no {absent}; it has {sorted(info["images"])}'
            )
        images = [info['images'][camera] for camera in self.cameras]
        frame = dict(
            frame_id=info['token'],
            scene=info['lidar_points']['lidar_path'].split('__')[0],
            timestamp=info['timestamp'],
            img_path=[
                osp.join(self.data_prefix['img'], camera, osp.basename(image['img_path']))
                for camera, image in zip(self.cameras, images)
            ],
            lidar_path=osp.join(self.data_prefix['lidar'], osp.basename(info['lidar_points']['lidar_path'])),
            lidar_dims=info['lidar_points']['num_pts_feats'],
        )
        for key in ('cam2img', 'cam2ego', 'lidar2cam'):
            frame[key] = np.stack([np.asarray(image[key], dtype=np.float64) for image in images])
        if 'ego2global' in info and 'lidar2ego' in info['lidar_points']:
            lidar2world = np.array(info['ego2global']) @ np.array(info['lidar_points']['lidar2ego'])
            frame['ori_cam2world'] = lidar2world @ np.linalg.inv(frame['lidar2cam'])
        return frame
