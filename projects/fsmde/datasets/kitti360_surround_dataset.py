"""KITTI-360, read as it is published: two rectified cameras ahead, a fisheye on each side."""

import os
import os.path as osp

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.logging import MMLogger

from fsmde.lenses import Lens

from .surround_dataset import SurroundDepthDataset

#: Cameras by what they are: rectified pinholes and fisheyes.
PERSPECTIVE, FISHEYES = ('image_00', 'image_01'), ('image_02', 'image_03')
#: From the frame of the poses (x forward, y right, z down) to the ego frame.
EGO = np.diag([1.0, -1, -1, 1])


@DATASETS.register_module()
class Kitti360SurroundDataset(SurroundDepthDataset):
    """KITTI-360 (Liao et al., TPAMI 2022): the left perspective camera and the two fisheyes see all around.

    What kitti360scripts' ``kitti360Viewer3DRaw.projectVeloToImage`` does is done here: a scan's points are brought to the
    frame's time by the motion since the frame before (``lidar_turn``), and from the Velodyne through camera 0 to each
    camera, the rectification of the perspective ones included. The fisheyes have a
    :class:`fsmde.lenses.MeiLens`; unlike that viewer, which leaves ``p1`` and ``p2`` out, all its coefficients are used. That
    viewer rounds pixels, whose centres are at whole numbers: here 0.5 is added to the principal point, and they are floored.

    ``scene`` is the sequence, ``frame_id`` ``<sequence>/<frame>``. Frames are those that poses.txt states a pose for, and
    that have a scan and all images; how many have not is logged.

    Args:
        sequences: Names, such as ``'2013_05_28_drive_0000_sync'``; all that have poses by default.
        every: Each how manieth frame is one.
        kwargs: See :class:`SurroundDepthDataset`. ``cameras`` may name ``image_01`` too, the right eye beside ``image_00``.

    Raises:
        FileNotFoundError, ValueError: If a file is absent, or is not as the data set's documentation has it; names it.
    """

    METAINFO = dict(dataset='kitti360')
    CAMERAS = ('image_00', 'image_02', 'image_03')
    ROUNDING = 'floor'
    MAX_DEPTH = 80.0
    INDEX_IS_FOLDER = True

    def __init__(self, ann_file='data_poses', *args, sequences: list = None, every: int = 1, **kwargs):
        if every < 1 or int(every) != every:
            raise ValueError(f'every must be a whole number from 1, found {every}')
        self.sequences, self.every = sequences, int(every)
        super().__init__(ann_file, *args, **kwargs)

    def load_data_list(self) -> list:
        """One entry a frame, sequence by sequence in the order of the list, each in the order of time."""
        known = sorted(entry.name for entry in os.scandir(self.ann_file) if entry.is_dir())
        sequences = list(self.sequences or known)
        unknown = [name for name in sequences if name not in known]
        if unknown or not sequences:
            raise ValueError(f'{self.ann_file} has no poses of {unknown or "any sequence"}; it has {known}')
        unknown = [name for name in self.cameras if name not in PERSPECTIVE + FISHEYES]
        if unknown:
            raise ValueError(f'KITTI-360 has the cameras {list(PERSPECTIVE + FISHEYES)}, and not {unknown}')
        rig = read_rig(osp.join(self.data_root, 'calibration'), self.cameras)
        frames, lacking = [], 0
        for sequence in sequences:
            found, lost = self._load_sequence(sequence, rig)
            frames, lacking = frames + found, lacking + lost
        if lacking:
            MMLogger.get_current_instance().warning(
                f'{self.data_root}: {lacking} of {lacking + len(frames)} frames with a pose lack the scan or an image: left '
                'out'
            )
        if not frames:
            raise ValueError(f'{self.data_root}: none of {lacking} frames with a pose has a scan and all images')
        return frames

    def _load_sequence(self, sequence, rig):
        """Entries of a sequence, and how many frames lack something."""
        poses = read_poses(osp.join(self.ann_file, sequence, 'poses.txt'))
        scans = osp.join(self.data_root, 'data_3d_raw', sequence, 'velodyne_points/data')
        folders = [
            osp.join(self.data_root, 'data_2d_raw', sequence, name, 'data_rect' if name in PERSPECTIVE else 'data_rgb')
            for name in self.cameras
        ]
        complete = _files(scans, '.bin').intersection(*(_files(folder, '.png') for folder in folders))
        wanted = sorted(poses)[:: self.every]
        velo2pose = EGO @ rig['lidar2ego']
        frames = []
        for frame in (frame for frame in wanted if frame in complete):
            cam2world = poses[frame] @ EGO @ rig['cam2ego']
            # As curlParameterFromPoses has it: the motion since the frame before, of the first the one to the next.
            before, after = (frame, frame + 1) if frame == 1 else (frame - 1, frame)
            turn = None
            if before in poses and after in poses:
                turn = np.linalg.inv(velo2pose) @ np.linalg.inv(poses[after]) @ poses[before] @ velo2pose
            frames.append(
                dict(
                    rig,
                    frame_id=f'{sequence}/{frame:010d}',
                    scene=sequence,
                    timestamp=frame,
                    img_path=[osp.join(folder, f'{frame:010d}.png') for folder in folders],
                    lidar_path=osp.join(scans, f'{frame:010d}.bin'),
                    lidar_dims=4,
                    lidar_turn=turn,
                    ori_cam2world=cam2world,
                )
            )
        return frames, len(wanted) - len(frames)


def read_rig(folder: str, cameras) -> dict:
    """``cam2img``, ``lenses`` (unless all are pinholes), ``cam2ego``, ``lidar2cam``, ``lidar2ego`` and ``stated_sizes``.

    Args:
        folder: ``calibration``.
        cameras: N names.

    Raises:
        FileNotFoundError, ValueError: If a file or an entry is absent, or not as documented.
    """
    # Not above: rig_formats makes rigs of data sets, too.
    from fsmde.rig_formats.kitti import read_entries
    from fsmde.rig_formats.kitti360 import rig_from_kitti360

    poses, to_velo = osp.join(folder, 'calib_cam_to_pose.txt'), osp.join(folder, 'calib_cam_to_velo.txt')
    cam2pose = _matrix(poses, 'image_00', [str(value) for value in read_entries(poses).get('image_00', [])])
    velo2ego = EGO @ cam2pose @ np.linalg.inv(_matrix(to_velo, 'its matrix', _read(to_velo).split()))
    found = rig_from_kitti360(folder, [name[-2:] for name in cameras]).cameras
    cam2ego = np.stack([camera.cam2ego for camera in found])
    rig = dict(
        cam2img=np.stack([camera.cam2img for camera in found]),
        cam2ego=cam2ego,
        lidar2cam=np.linalg.inv(cam2ego) @ velo2ego,
        lidar2ego=velo2ego,
        stated_sizes=[camera.size[::-1] for camera in found],
    )
    if any(camera.lens.MODEL != Lens.MODEL for camera in found):
        rig['lenses'] = [camera.lens for camera in found]
    return rig


def read_poses(path: str) -> dict:
    """(4, 4) float64 poses in the world by the number of the frame.

    Raises:
        FileNotFoundError, ValueError: If the file is absent or a line has not 13 numbers.
    """
    poses = {}
    for number, line in enumerate(_read(path).splitlines(), 1):
        frame, *values = line.split() or [None]
        if frame is None:
            continue
        pose = _matrix(path, f'line {number}', values)
        if not frame.isdecimal() or int(frame) in poses:
            raise ValueError(f'{path}: line {number} must begin with the number of a new frame, found {frame!r}')
        poses[int(frame)] = pose
    return poses


def _read(path):
    if not osp.isfile(path):
        raise FileNotFoundError(f'no such file: {path}')
    with open(path, errors='replace') as file:
        return file.read()


def _matrix(path, name, values):
    """(4, 4) of the 12 numbers of a 3x4 matrix."""
    try:
        numbers = np.array(values, dtype=np.float64)
    except ValueError:
        numbers = np.array([np.nan])
    if numbers.size != 12 or not np.isfinite(numbers).all():
        raise ValueError(f'{path}: {name} must be 12 numbers, found {len(values)}: {" ".join(values)[:80]!r}')
    return np.vstack([numbers.reshape(3, 4), [0, 0, 0, 1]])


def _files(folder, ending):
    """Numbers of the frames that a folder has a file of."""
    if not osp.isdir(folder):
        raise FileNotFoundError(f'no such folder: {folder}')
    stems = (name[: -len(ending)] for name in os.listdir(folder) if name.endswith(ending))
    return {int(stem) for stem in stems if stem.isdecimal()}
