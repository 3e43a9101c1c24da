"""The sensor data set of Argoverse 2, read as it is published: no conversion."""

import os
import os.path as osp

import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.logging import MMLogger

from fsmde.arrow_files import read_feather
from fsmde.poses import quaternion_to_matrix

from .dgp_format import through_world
from .surround_dataset import SurroundDepthDataset

QUATERNION, TRANSLATION = ('qw', 'qx', 'qy', 'qz'), ('tx_m', 'ty_m', 'tz_m')
#: Nanoseconds between a sweep and the image that belongs to it: half of the ring cameras' 50 ms, as av2's
#: ``SynchronizationDB`` has it.
MAX_LAG = 25_000_000
SPLITS = ('train', 'val', 'test')


@DATASETS.register_module()
class Argoverse2SurroundDataset(SurroundDepthDataset):
    """Argoverse 2 Sensor (Wilson et al., NeurIPS 2021 Datasets): a frame is a sweep with the nearest image of each camera.

    What av2's ``AV2SensorDataLoader.get_depth_map_from_lidar`` does is done here: the nearest image within 25 ms belongs
    to a sweep, points are brought from the vehicle at the sweep's time to the vehicle at the image's by the poses stated
    for these very times (nothing is interpolated), and projected with fx, fy, cx and cy alone. ``k1`` to ``k3`` are stated
    too, and not used, here as there: the published images are undistorted already. Points are those of both LiDARs,
    stated in the vehicle's frame at the sweep's time, in which ``lidar2ego`` is the identity. av2 rounds pixels, whose
    centres are at whole numbers: here 0.5 is added to cx and cy, and they are floored.

    ``scene`` is the log, ``frame_id`` ``<log>/<nanoseconds of the sweep>``. A sweep is left out, and their number logged,
    where a camera has no image within 25 ms or no pose is stated for one of the times.

    Args:
        split: 'train', 'val' or 'test', a folder of ``data_root``.
        every: Each how manieth sweep is a frame. Sweeps come with 10 Hz, 110,000 of them in the training split.
        kwargs: See :class:`SurroundDepthDataset`.

    Raises:
        ImportError: Without pyarrow.
        FileNotFoundError, ValueError: If a file is absent, cut or lacks something; names it.
    """

    METAINFO = dict(dataset='argoverse2')
    CAMERAS = (
        'ring_front_center',
        'ring_front_left',
        'ring_side_left',
        'ring_rear_left',
        'ring_rear_right',
        'ring_side_right',
        'ring_front_right',
    )
    ROUNDING = 'floor'
    INDEX_IS_FOLDER = True

    def __init__(self, *args, split: str = 'train', every: int = 1, **kwargs):
        if split not in SPLITS:
            raise ValueError(f'split must be one of {list(SPLITS)}, found {split!r}')
        if every < 1 or int(every) != every:
            raise ValueError(f'every must be a whole number from 1, found {every}')
        self.split, self.every = split, int(every)
        super().__init__(split, *args, **kwargs)

    def load_data_list(self) -> list:
        """One entry a sweep, log by log in the order of their names, each in the order of time."""
        logs = sorted(entry.name for entry in os.scandir(self.ann_file) if entry.is_dir())
        if not logs:
            raise ValueError(f'{self.ann_file} holds no log: a log is a folder with calibration, sensors and poses')
        frames, lacking, first = [], 0, None
        for log in logs:
            found, lost = self._load_log(osp.join(self.ann_file, log), log)
            frames += found
            lacking += len(lost)
            first = first or next(iter(lost), None)
        if lacking:
            MMLogger.get_current_instance().warning(
                f'{self.ann_file}: {lacking} of {lacking + len(frames)} sweeps are left out; the first: {first}'
            )
        if not frames:
            raise ValueError(f'{self.ann_file}: none of {lacking} sweeps has an image of every camera: {first}')
        return frames

    def _load_log(self, root, log):
        """Entries of a log, and for each sweep that cannot be one a sentence."""
        rig = self._load_rig(root)
        path = osp.join(root, 'city_SE3_egovehicle.feather')
        times, poses = read_poses(path, 'timestamp_ns')
        row_of = {time: row for row, time in enumerate(times.tolist())}
        if len(row_of) != len(times):
            raise ValueError(f'{path}: two poses are of one timestamp_ns')
        sweeps = stamps(osp.join(root, 'sensors/lidar'), '.feather')[:: self.every]
        nearest = []
        for camera in self.cameras:
            images = stamps(osp.join(root, 'sensors/cameras', camera), '.jpg')
            nearest.append(images[np.abs(images - sweeps[:, None]).argmin(1)])
        frames, lost = [], []
        for sweep, images in zip(sweeps.tolist(), np.transpose(nearest).tolist()):
            lag = [abs(image - sweep) for image in images]
            unposed = [time for time in (sweep, *images) if time not in row_of]
            if max(lag) > MAX_LAG:
                camera = self.cameras[int(np.argmax(lag))]
                lost.append(f'{log}/{sweep} has no image of {camera} within {MAX_LAG / 1e6:g} ms')
                continue
            if unposed:
                lost.append(f'{log}/{sweep}: no pose is stated for the time {unposed[0]}')
                continue
            cam2world = poses[[row_of[image] for image in images]] @ rig['cam2ego']
            frames.append(
                dict(
                    rig,
                    frame_id=f'{log}/{sweep}',
                    scene=log,
                    timestamp=sweep / 1e9,
                    img_path=[
                        osp.join(root, 'sensors/cameras', camera, f'{image}.jpg')
                        for camera, image in zip(self.cameras, images)
                    ],
                    lidar_path=osp.join(root, 'sensors/lidar', f'{sweep}.feather'),
                    lidar_dims=3,
                    lidar2cam=through_world(poses[row_of[sweep]], cam2world),
                    ori_cam2world=cam2world,
                )
            )
        return frames, lost

    def _load_rig(self, root):
        """``cam2img``, ``cam2ego``, ``lidar2ego`` and ``stated_sizes`` of a log."""
        path = osp.join(root, 'calibration/egovehicle_SE3_sensor.feather')
        sensors, poses = read_poses(path, 'sensor_name')
        cam2ego = poses[_rows(path, sensors.tolist(), self.cameras)]
        path = osp.join(root, 'calibration/intrinsics.feather')
        table = read_feather(path, 'sensor_name', 'fx_px', 'fy_px', 'cx_px', 'cy_px', 'height_px', 'width_px')
        rows = _rows(path, table.pop('sensor_name').tolist(), self.cameras)
        fx, fy, cx, cy, height, width = (column[rows].astype(np.float64) for column in table.values())
        zero = np.zeros_like(fx)
        cam2img = np.stack([fx, zero, cx + 0.5, zero, fy, cy + 0.5, zero, zero, zero + 1], 1).reshape(-1, 3, 3)
        sizes = list(zip(height.astype(int).tolist(), width.astype(int).tolist()))
        return dict(cam2img=cam2img, cam2ego=cam2ego, lidar2ego=np.eye(4), stated_sizes=sizes)


def read_poses(path: str, key: str):
    """The column ``key`` and the (P, 4, 4) float64 poses in metres of a table of poses.

    Raises:
        ValueError: If a row is no rigid motion; names the file.
    """
    table = read_feather(path, key, *QUATERNION, *TRANSLATION)
    try:
        poses = quaternion_to_matrix(
            np.stack([table[name] for name in TRANSLATION], 1), np.stack([table[name] for name in QUATERNION], 1)
        )
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    return table[key], poses


def stamps(folder: str, ending: str) -> np.ndarray:
    """Sorted (F,) int64 nanoseconds that the files of a folder are named after.

    Raises:
        FileNotFoundError: If there is no such folder, or no file in it.
        ValueError: If a name is no number.
    """
    names = os.listdir(folder) if osp.isdir(folder) else []
    names = [name[: -len(ending)] for name in names if name.endswith(ending)]
    if not names:
        raise FileNotFoundError(f'{folder} holds no {ending} file: is the log complete?')
    strange = [name for name in names if not name.isdecimal()]
    if strange:
        raise ValueError(f'{folder}: {strange[0]}{ending} is not named after nanoseconds')
    return np.sort(np.array(names, dtype=np.int64))


def _rows(path, present, names):
    """Rows of sensors by name."""
    for name in names:
        if present.count(name) != 1:
            raise ValueError(f'{path}: {name} must have one row, found {present.count(name)}; sensors: {present}')
    return [present.index(name) for name in names]
