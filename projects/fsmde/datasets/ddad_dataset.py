"""DDAD and any other data set in TRI's DGP format, read directly: no conversion, no ground truth on disk."""

import json
import os.path as osp
from contextlib import contextmanager

import numpy as np
from mmdet3d.registry import DATASETS

from fsmde.rig import quaternion_to_matrix

from .surround_dataset import SurroundDepthDataset

SPLITS = {'train': '0', 'val': '1', 'test': '2'}


@DATASETS.register_module()
class DDADDataset(SurroundDepthDataset):
    """DDAD (Guizilini et al., "3D Packing for Self-Supervised Monocular Depth Estimation", CVPR 2020).

    Frames are keyed by scene directory and sample index (time stamps are not unique across scenes), data are joined by
    ``datum_keys``. The vehicle frame is DGP's.

    Args:
        split: 'train', 'val' or 'test'.
        lidar: Name of the LiDAR datum.
        dense_depth: Path of dense depth maps (16-bit PNG, metres * 256) relative to an image's scene directory, such as
            ``'depth/{camera}/{stem}.png'``, for data sets that have them: the built-in world.
        ann_file, kwargs: See :class:`SurroundDepthDataset`.

    Raises:
        FileNotFoundError, ValueError: If the index is absent, cut or lacks something; names the file.
    """

    METAINFO = dict(dataset='ddad')
    CAMERAS = ('CAMERA_01', 'CAMERA_05', 'CAMERA_07', 'CAMERA_09', 'CAMERA_08', 'CAMERA_06')

    def __init__(
        self,
        ann_file='ddad.json',
        *args,
        split: str = 'train',
        lidar: str = 'LIDAR',
        dense_depth: str = None,
        **kwargs,
    ):
        if split not in SPLITS:
            raise ValueError(f'split must be one of {list(SPLITS)}, found {split!r}')
        self.split, self.lidar, self.dense_depth = split, lidar, dense_depth
        super().__init__(ann_file, *args, **kwargs)

    def load_data_list(self) -> list:
        """One entry a frame, in the order of the index and of each scene's samples."""
        with reading(self.ann_file):
            splits = read_json(self.ann_file)['scene_splits']
            if SPLITS[self.split] not in splits:
                present = [name for name, key in SPLITS.items() if key in splits]
                raise ValueError(f'{self.ann_file}: split {self.split!r} is not there; it has {present}')
            scene_files = splits[SPLITS[self.split]]['filenames']
        frames = []
        for scene_file in scene_files:
            frames += self._load_scene(osp.join(osp.dirname(self.ann_file), scene_file), osp.dirname(scene_file))
        if not frames:
            raise ValueError(f'{self.ann_file}: split {self.split!r} holds no frame')
        if len({frame['frame_id'] for frame in frames}) != len(frames):
            raise ValueError(f'{self.ann_file}: split {self.split!r} names a scene twice')
        return frames

    def _load_scene(self, path, scene):
        content, root = read_json(path), osp.dirname(path)
        calibrations, frames = {}, []
        with reading(path):
            data = {datum['key']: datum for datum in content['data']}
            if len(data) != len(content['data']):
                raise ValueError(f'{path}: two data have the same key')
            for number, sample in enumerate(content['samples']):
                key = sample['calibration_key']
                if key not in calibrations:
                    calibrations[key] = self._load_calibration(osp.join(root, 'calibration', f'{key}.json'))
                frame = self._load_sample(path, root, sample, data, calibrations[key])
                frame.update(frame_id=f'{scene}/{number:04d}', scene=scene)
                self.check_rig(frame)
                frames.append(frame)
        return frames

    def _load_sample(self, path, root, sample, data, calibration):
        missing = [key for key in sample['datum_keys'] if key not in data]
        if missing:
            raise ValueError(f'{path}: sample names data that are not there: {missing}')
        by_name = {data[key]['id']['name'].upper(): data[key] for key in sample['datum_keys']}
        for name in [*self.cameras, self.lidar]:
            if name.upper() not in by_name:
                raise ValueError(f'{path}: a sample has no {name}; it has {sorted(by_name)}')
            if name.upper() not in calibration:
                raise ValueError(f'{path}: calibration {sample["calibration_key"]} has no {name}')
        images = [by_name[name.upper()]['datum']['image'] for name in self.cameras]
        cloud = by_name[self.lidar.upper()]['datum']['point_cloud']
        lidar2world = pose_matrix(cloud['pose'], path)
        cam2world = np.stack([pose_matrix(image['pose'], path) for image in images])
        frame = dict(
            img_path=[osp.join(root, image['filename']) for image in images],
            lidar_path=osp.join(root, cloud['filename']),
            lidar_dims=4,
            cam2img=np.stack([calibration[name.upper()][0] for name in self.cameras]),
            cam2ego=np.stack([calibration[name.upper()][1] for name in self.cameras]),
            # World coordinates reach tens of kilometres: the poses are composed in float64.
            lidar2cam=np.linalg.inv(cam2world) @ lidar2world,
            ori_cam2world=cam2world,
            timestamp=sample['id'].get('timestamp'),
        )
        if self.dense_depth:
            stems = [osp.splitext(osp.basename(image['filename']))[0] for image in images]
            frame['dense_depth_path'] = [
                osp.join(root, self.dense_depth.format(camera=camera, stem=stem))
                for camera, stem in zip(self.cameras, stems)
            ]
        return frame

    @staticmethod
    def _load_calibration(path):
        content, sensors = read_json(path), {}
        with reading(path):
            lists = content['names'], content['intrinsics'], content['extrinsics']
        for name, intrinsics, extrinsics in zip(*lists):
            # proto3 leaves zero fields out.
            fx, fy, cx, cy, skew = (float(intrinsics.get(key, 0)) for key in ('fx', 'fy', 'cx', 'cy', 'skew'))
            distortion = intrinsics.get('distortion') or {}
            if any(np.any(value) for value in (distortion.values() if isinstance(distortion, dict) else distortion)):
                raise ValueError(f'{path}: {name} has lens distortion {distortion}; undistort the images first')
            matrix = np.array([[fx, skew, cx], [0, fy, cy], [0, 0, 1]])
            sensors[name.upper()] = matrix, pose_matrix(extrinsics, path)
        return sensors


@contextmanager
def reading(path: str):
    """Turn the absence of a field of a DGP file, or another type in its place, into an error that names the file."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{path} is not in DGP format: {type(error).__name__}: {error}') from error


def read_json(path: str):
    """Content of a json file; an error names the file."""
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{path} is absent, though the index or a scene names it') from error
    except ValueError as error:
        raise ValueError(f'{path} is cut or no json: {error}') from error


def pose_matrix(pose: dict, path: str) -> np.ndarray:
    """4x4 float64 matrix of a DGP pose; fields that are left out are 0."""
    rotation, translation = pose.get('rotation', {}), pose.get('translation', {})
    try:
        return quaternion_to_matrix(
            [translation.get(key, 0.0) for key in 'xyz'], [rotation.get(key, 0.0) for key in ('qw', 'qx', 'qy', 'qz')]
        )
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
