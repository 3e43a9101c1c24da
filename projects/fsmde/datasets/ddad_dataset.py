"""DDAD and any other data set in TRI's DGP format, read directly: no conversion, no ground truth on disk."""

import os.path as osp

import numpy as np
from mmdet3d.registry import DATASETS

from fsmde.lenses import Lens
from fsmde.plain_data import read_json
from fsmde.rectification import MEASURES

from .dgp_format import read_camera, read_point_format, read_poses, read_size, reading, through_world
from .surround_dataset import SurroundDepthDataset

SPLITS = {'train': '0', 'val': '1', 'test': '2'}


@DATASETS.register_module()
class DDADDataset(SurroundDepthDataset):
    """DDAD (Guizilini et al., "3D Packing for Self-Supervised Monocular Depth Estimation", CVPR 2020).

    Frames are keyed by scene directory and sample index (time stamps are not unique across scenes), data are joined by
    ``datum_keys``. The vehicle frame is DGP's.

    Args:
        split: 'train', 'val' or 'test'.
        lidar: Name of the LiDAR datum; None for a data set without LiDAR. A single frame without LiDAR has the datum,
            with ``'point_cloud': {}``.
        dense_depth: Path of dense depth maps (16-bit PNG, metres * 256) relative to an image's scene directory, for data
            sets that have them: ``'depth/{camera}/{stem}.png'`` of the built-in world, and
            ``'distance/{camera}/{stem}.png'`` of its worlds with fisheyes.
        dense_depth_measure: What these maps hold: ``'z_depth'`` or ``'distance'``, the distance along the ray.
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
        dense_depth_measure: str = 'z_depth',
        **kwargs,
    ):
        if split not in SPLITS:
            raise ValueError(f'split must be one of {list(SPLITS)}, found {split!r}')
        if dense_depth_measure not in MEASURES:
            raise ValueError(f'dense_depth_measure must be one of {MEASURES}, found {dense_depth_measure!r}')
        self.split, self.lidar, self.dense_depth = split, lidar, dense_depth
        self.dense_depth_measure = dense_depth_measure
        super().__init__(ann_file, *args, **kwargs)

    def load_data_list(self) -> list:
        """One entry a frame, in the order of the index and of each scene's samples."""
        with reading(self.ann_file):
            splits = read_json(self.ann_file)['scene_splits']
            if SPLITS[self.split] not in splits:
                present = [name for name, key in SPLITS.items() if key in splits]
                raise ValueError(f'{self.ann_file}: split {self.split!r} is not there; it has {present}')
            scene_files = list(splits[SPLITS[self.split]]['filenames'])
            folders = [osp.dirname(scene_file) for scene_file in scene_files]
        if len(set(folders)) != len(folders):
            raise ValueError(f'{self.ann_file}: split {self.split!r} names a scene twice')
        frames = []
        for scene_file, folder in zip(scene_files, folders):
            frames += self._load_scene(osp.join(osp.dirname(self.ann_file), scene_file), folder)
        if not frames:
            raise ValueError(f'{self.ann_file}: split {self.split!r} holds no frame')
        return frames

    def _load_scene(self, path, scene):
        content, root = read_json(path), osp.dirname(path)
        with reading(path):
            samples = content['samples']
            data = {datum['key']: datum for datum in content['data']}
            if len(data) != len(content['data']):
                raise ValueError(f'{path}: two data have the same key')
            sensors = [self._sensors_of(f'{path}: sample {n}', sample, data) for n, sample in enumerate(samples)]
            # All poses of a scene in one call: numpy takes as long for one.
            images = [
                (f'{camera} in sample {n}', image) for n, (_, row) in enumerate(sensors) for camera, image in row
            ]
            cam2world = read_poses([image['pose'] for _, image in images], [name for name, _ in images], path)
            cam2world = cam2world.reshape(len(samples), len(self.cameras), 4, 4)
            scanned = [n for n, (cloud, _) in enumerate(sensors) if cloud.get('filename')]
            names = [f'{self.lidar} in sample {n}' for n in scanned]
            lidar2world = read_poses([sensors[n][0]['pose'] for n in scanned], names, path)
            lidar2cam = dict(zip(scanned, through_world(lidar2world[:, None], cam2world[scanned])))
            rigs, frames = {}, []
            for number, (sample, (cloud, images)) in enumerate(zip(samples, sensors)):
                key = sample['calibration_key']
                if key not in rigs:
                    rigs[key] = self._load_rig(path, root, key)
                where = f'{path}: sample {number}'
                frame = dict(
                    rigs[key],
                    frame_id=f'{scene}/{number:04d}',
                    scene=scene,
                    img_path=[osp.join(root, image['filename']) for _, image in images],
                    stated_sizes=[read_size(image, f'{where}, {camera}') for camera, image in images],
                    lidar_path=None,
                    ori_cam2world=cam2world[number],
                    timestamp=sample['id'].get('timestamp'),
                )
                if number in lidar2cam:
                    frame.update(lidar_path=osp.join(root, cloud['filename']), lidar2cam=lidar2cam[number])
                    frame['lidar_dims'], frame['lidar_columns'] = read_point_format(cloud, where) or (None, [0, 1, 2])
                else:
                    frame['lidar2cam'] = through_world(frame['lidar2ego'], frame['cam2ego'])
                if self.dense_depth:
                    stems = [osp.splitext(osp.basename(image['filename']))[0] for _, image in images]
                    frame['dense_depth_path'] = [
                        osp.join(root, self.dense_depth.format(camera=camera, stem=stem))
                        for camera, stem in zip(self.cameras, stems)
                    ]
                    frame['dense_depth_measure'] = self.dense_depth_measure
                frames.append(frame)
        return frames

    def _sensors_of(self, where, sample, data):
        """A sample's point cloud, and the name and image of each camera."""
        missing = [key for key in sample['datum_keys'] if key not in data]
        if missing:
            raise ValueError(f'{where} names data that are not there: {missing}')
        names = [data[key]['id']['name'].upper() for key in sample['datum_keys']]
        by_name = dict(zip(names, (data[key]['datum'] for key in sample['datum_keys'])))
        if len(by_name) != len(names):
            raise ValueError(f'{where} has two data of one sensor: {sorted(names)}')
        for name in [*self.cameras, *([self.lidar] if self.lidar else [])]:
            if name.upper() not in by_name:
                hint = '' if name in self.cameras else " (a frame without LiDAR has the datum, with 'point_cloud': {})"
                raise ValueError(f'{where} has no {name}; it has {sorted(by_name)}{hint}')
        cloud = by_name[self.lidar.upper()]['point_cloud'] if self.lidar else {}
        return cloud, [(name, by_name[name.upper()]['image']) for name in self.cameras]

    def _load_rig(self, path, root, key):
        """``cam2img``, ``cam2ego``, ``lidar2ego`` and, unless all are pinholes, ``lenses`` of one calibration of a scene."""
        file = osp.join(root, 'calibration', f'{key}.json')
        content = read_json(file)
        with reading(file):
            names = [name.upper() for name in content['names']]
            intrinsics, extrinsics = content['intrinsics'], content['extrinsics']
            if len(set(names)) != len(names) or not len(names) == len(intrinsics) == len(extrinsics):
                raise ValueError(
                    f'{file}: names, intrinsics and extrinsics must be lists of one length without a name twice, found '
                    f'{names}, {len(intrinsics)} and {len(extrinsics)}'
                )
            used = [*self.cameras, *([self.lidar] if self.lidar else [])]
            for name in used:
                if name.upper() not in names:
                    raise ValueError(f'{path}: calibration {key} has no {name}')
            rows = [names.index(name.upper()) for name in used]
            poses = read_poses([extrinsics[row] for row in rows], used, file)
            N = len(self.cameras)
            cameras = [read_camera(intrinsics[row], f'{file}: {name}') for row, name in zip(rows[:N], used)]
        cam2img, lenses = zip(*cameras)
        rig = dict(cam2img=np.stack(cam2img), cam2ego=poses[:N], lidar2ego=poses[N] if self.lidar else np.eye(4))
        if any(lens.MODEL != Lens.MODEL for lens in lenses):
            rig['lenses'] = list(lenses)
        return rig
