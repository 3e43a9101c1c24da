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
        with reading(path):
            samples = content['samples']
            data = {datum['key']: datum for datum in content['data']}
            if len(data) != len(content['data']):
                raise ValueError(f'{path}: two data have the same key')
            sensors = [self._sensors_of(path, sample, data) for sample in samples]
            # All poses of a scene in one call: numpy takes as long for one.
            lidar2world = pose_matrices([cloud['pose'] for cloud, _ in sensors], path)
            cam2world = pose_matrices([image['pose'] for _, images in sensors for image in images], path)
            cam2world = cam2world.reshape(len(samples), len(self.cameras), 4, 4)
            lidar2cam = through_world(lidar2world[:, None], cam2world)
            rigs, frames = {}, []
            for number, (sample, (cloud, images)) in enumerate(zip(samples, sensors)):
                frame = dict(
                    frame_id=f'{scene}/{number:04d}',
                    scene=scene,
                    img_path=[osp.join(root, image['filename']) for image in images],
                    lidar_path=osp.join(root, cloud['filename']),
                    lidar_dims=4,
                    lidar2cam=lidar2cam[number],
                    ori_cam2world=cam2world[number],
                    timestamp=sample['id'].get('timestamp'),
                )
                key = sample['calibration_key']
                if key not in rigs:
                    rigs[key] = self._load_rig(path, root, key)
                    self.check_rig(dict(frame, **rigs[key]))
                frame.update(rigs[key])
                if self.dense_depth:
                    stems = [osp.splitext(osp.basename(image['filename']))[0] for image in images]
                    frame['dense_depth_path'] = [
                        osp.join(root, self.dense_depth.format(camera=camera, stem=stem))
                        for camera, stem in zip(self.cameras, stems)
                    ]
                frames.append(frame)
        return frames

    def _sensors_of(self, path, sample, data):
        """The DGP entries of a sample's LiDAR and of its cameras."""
        missing = [key for key in sample['datum_keys'] if key not in data]
        if missing:
            raise ValueError(f'{path}: sample names data that are not there: {missing}')
        by_name = {data[key]['id']['name'].upper(): data[key]['datum'] for key in sample['datum_keys']}
        for name in [self.lidar, *self.cameras]:
            if name.upper() not in by_name:
                raise ValueError(f'{path}: a sample has no {name}; it has {sorted(by_name)}')
        return by_name[self.lidar.upper()]['point_cloud'], [by_name[name.upper()]['image'] for name in self.cameras]

    def _load_rig(self, path, root, key):
        """``cam2img`` and ``cam2ego`` of one calibration of a scene."""
        sensors = self._load_calibration(osp.join(root, 'calibration', f'{key}.json'))
        for name in [self.lidar, *self.cameras]:
            if name.upper() not in sensors:
                raise ValueError(f'{path}: calibration {key} has no {name}')
        cam2img, cam2ego = (np.stack(m) for m in zip(*(sensors[name.upper()] for name in self.cameras)))
        return dict(cam2img=cam2img, cam2ego=cam2ego)

    @staticmethod
    def _load_calibration(path):
        content, sensors = read_json(path), {}
        with reading(path):
            lists = content['names'], content['intrinsics'], pose_matrices(content['extrinsics'], path)
        for name, intrinsics, pose in zip(*lists):
            # proto3 leaves zero fields out.
            fx, fy, cx, cy, skew = (float(intrinsics.get(key, 0)) for key in ('fx', 'fy', 'cx', 'cy', 'skew'))
            distortion = intrinsics.get('distortion') or {}
            if any(np.any(value) for value in (distortion.values() if isinstance(distortion, dict) else distortion)):
                raise ValueError(f'{path}: {name} has lens distortion {distortion}; undistort the images first')
            matrix = np.array([[fx, skew, cx], [0, fy, cy], [0, 0, 1]])
            sensors[name.upper()] = matrix, pose
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


def pose_matrices(poses: list, path: str) -> np.ndarray:
    """(P, 4, 4) float64 matrices of DGP poses; fields that are left out are 0."""
    translations = [[pose.get('translation', {}).get(key, 0.0) for key in 'xyz'] for pose in poses]
    quaternions = [[pose.get('rotation', {}).get(key, 0.0) for key in ('qw', 'qx', 'qy', 'qz')] for pose in poses]
    try:
        return quaternion_to_matrix(np.reshape(translations, (-1, 3)), np.reshape(quaternions, (-1, 4)))
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def through_world(a2world, b2world) -> np.ndarray:
    """(..., 4, 4) float64 a2b = inverse(b2world) @ a2world of two rigid poses in metres.

    World coordinates reach tens of kilometres: the translations are subtracted first.
    """
    # einsum: in BLAS a thousand tiny matrices wait for its threads.
    world2b = b2world[..., :3, :3].swapaxes(-1, -2)
    a2b = np.zeros(np.broadcast_shapes(a2world.shape, b2world.shape))
    a2b[..., :3, :3] = np.einsum('...ij,...jk->...ik', world2b, a2world[..., :3, :3])
    a2b[..., :3, 3] = np.einsum('...ij,...j->...i', world2b, a2world[..., :3, 3] - b2world[..., :3, 3])
    a2b[..., 3, 3] = 1
    return a2b
