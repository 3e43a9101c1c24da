"""What nuScenes' cameras recorded between the key frames."""

import os.path as osp
from itertools import chain

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.logging import MMLogger

from .dgp_format import through_world
from .infos import read_infos
from .nuscenes_surround_dataset import NuScenesSurroundDataset
from .nuscenes_tables import NuScenesTables
from .surround_dataset import SurroundDepthDataset

LIDAR = 'LIDAR_TOP'


@DATASETS.register_module()
class NuScenesSweepDataset(SurroundDepthDataset):
    """Frames of nuScenes at the cameras' 12 Hz, of which two in a second are key frames, from the raw tables.

    mmdet3d's v2 infos hold the LiDAR's sweeps and none of the cameras'. The cameras fire one after the other as the LiDAR
    turns: a frame is an image of the first camera and, of each other camera, the image nearest to it in time. Frames are
    ordered by scene and time; ``frame_id`` is the token of the first camera's image, ``scene`` nuScenes' own, such as
    ``scene-0061``. Every image and sweep has the ego pose of its own time.

    Args:
        ann_file: A v2 info file of mmdet3d: frames are of its samples.
        tables: Folder of the raw tables under ``data_root``.
        lidar: Whether frames have the LiDAR sweep nearest to the first camera's image, at 20 Hz, moved by both ego poses.
            Without it they are unlabelled: for a teacher.
        key_frames: Whether key frames are among the frames.
        max_gap: Seconds that an image or a sweep may lie from the first camera's image. A frame without such an image of
            each camera is left out, which is logged; one without such a sweep is unlabelled.
        kwargs: See :class:`SurroundDepthDataset`.

    Raises:
        FileNotFoundError, ValueError: If infos or tables are absent, cut, or do not fit each other; names the file.
    """

    METAINFO = dict(dataset='nuscenes_sweeps')
    CAMERAS = NuScenesSurroundDataset.CAMERAS
    ROUNDING = NuScenesSurroundDataset.ROUNDING
    MAX_DEPTH = NuScenesSurroundDataset.MAX_DEPTH

    def __init__(
        self,
        ann_file='nuscenes_infos_train.pkl',
        *args,
        tables: str = 'v1.0-trainval',
        lidar: bool = False,
        key_frames: bool = False,
        max_gap: float = 0.05,
        **kwargs,
    ):
        if not max_gap >= 0:
            raise ValueError(f'max_gap must be seconds, found {max_gap}')
        self.tables, self.lidar, self.key_frames, self.max_gap = tables, lidar, key_frames, max_gap
        super().__init__(ann_file, *args, **kwargs)

    def load_data_list(self) -> list:
        """One entry an image of the first camera."""
        samples = {info.get('token') for info in read_infos(self.ann_file)[1]}
        if not samples or None in samples:
            raise ValueError(f'{self.ann_file} must name samples of nuScenes by token')
        channels = [*self.cameras, *([LIDAR] if self.lidar else [])]
        tables = NuScenesTables(osp.join(self.data_root, self.tables), samples, channels)
        chosen = {scene: self._choose(tables.recordings.pop(scene)) for scene in sorted(tables.recordings)}
        left_out = sum(count for _, _, count in chosen.values())
        if left_out:
            MMLogger.get_current_instance().warning(
                f'{self.tables}: {left_out} frames are left out, since a camera has no image within {self.max_gap} s of '
                f'that of {self.cameras[0]}'
            )
        used = chain.from_iterable(chain.from_iterable(images) for images, _, _ in chosen.values())
        swept = (sweep for _, sweeps, _ in chosen.values() for sweep in sweeps if sweep)
        places, poses = tables.read_poses(recording.pose for recording in chain(used, swept))
        frames = []
        for scene in list(chosen):
            images, sweeps, _ = chosen.pop(scene)
            frames += self._frames_of(scene, images, sweeps, tables.sensors, places, poses)
        if not frames:
            raise ValueError(
                f'{self.ann_file}: {self.tables} has no frame between its key frames with an image of each of '
                f'{self.cameras} within {self.max_gap} s'
            )
        return frames

    def _choose(self, recordings):
        """Of a scene the frames' images, for each its sweep or None, and how many frames are left out."""
        first = [one for one in recordings[self.cameras[0]] if self.key_frames or not one.key_frame]
        times = np.array([one.time for one in first], dtype=np.int64)
        columns, near = [first], np.ones(len(first), dtype=bool)
        for camera in self.cameras[1:]:
            images, within = self._nearest(recordings[camera], times)
            columns.append(images)
            near &= within
        sweeps, within = self._nearest(recordings[LIDAR], times) if self.lidar else ([None] * len(first), near)
        sweeps = [sweep if fits else None for sweep, fits, kept in zip(sweeps, within, near) if kept]
        return [images for images, kept in zip(zip(*columns), near) if kept], sweeps, (~near).sum()

    def _nearest(self, recordings, times):
        """Of each time the recording nearest to it, and whether it is within ``max_gap``."""
        if not recordings:
            return [None] * len(times), np.zeros(len(times), dtype=bool)
        known = np.array([one.time for one in recordings], dtype=np.int64)
        behind = np.searchsorted(known, times).clip(0, len(known) - 1)
        before = (behind - 1).clip(0)
        nearest = np.where(times - known[before] <= known[behind] - times, before, behind)
        nearest = np.where(known[behind] <= times, behind, nearest)
        return [recordings[n] for n in nearest], np.abs(known[nearest] - times) <= self.max_gap * 1e6

    def _frames_of(self, scene, images, sweeps, sensors, places, poses):
        N, frames = len(self.cameras), []
        if not images:
            return frames
        cam2ego = np.array([[sensors[one.sensor][0] for one in row] for row in images])
        cam2img = np.array([[sensors[one.sensor][1] for one in row] for row in images])
        cam2world = poses[[places[one.pose] for row in images for one in row]].reshape(-1, N, 4, 4) @ cam2ego
        for number, (row, sweep) in enumerate(zip(images, sweeps)):
            frame = dict(
                frame_id=row[0].token,
                scene=scene,
                timestamp=row[0].time / 1e6,
                img_path=[osp.join(self.data_root, one.path) for one in row],
                stated_sizes=[one.size for one in row],
                cam2img=cam2img[number],
                cam2ego=cam2ego[number],
                ori_cam2world=cam2world[number],
                lidar_path=None,
            )
            if sweep is None:  # What stands in for the LiDAR's frame, which nothing is seen in, is the ego's.
                frame['lidar2ego'], frame['lidar2cam'] = np.eye(4), np.linalg.inv(cam2ego[number])
            else:
                frame['lidar2ego'] = sensors[sweep.sensor][0]
                lidar2world = poses[places[sweep.pose]] @ frame['lidar2ego']
                frame['lidar2cam'] = through_world(lidar2world, cam2world[number])
                frame['lidar_path'], frame['lidar_dims'] = osp.join(self.data_root, sweep.path), 5
            frames.append(frame)
        return frames
