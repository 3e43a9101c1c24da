"""A drive in the layout and with the columns of the Argoverse 2 sensor data set, as av2's documentation has them."""

import cv2
import numpy as np
from world_drive import drive_through, level_camera

from fsmde.datasets import Argoverse2SurroundDataset

LOG = '00000000-0000-4000-8000-000000000001'
EPOCH = 315966265259836000
#: From the built-in world's pixels to those of av2, which rounds: their centres are at whole numbers.
HALF_PIXEL = np.array([[0, 0, -0.5], [0, 0, -0.5], [0, 0, 0]])


#: Where the real rig's cameras look, roughly, and seconds from the sweep to their exposure.
AZIMUTHS, LAGS = (0, 45, 99, 153, -153, -99, -45), (0.004, -0.012, -0.003, 0.02, 0.015, 0.009, -0.02)


def argoverse2_world(root):
    """Write a log of two sweeps under ``root``; returns ``root``, the cameras and the drive."""
    cameras = []
    for name, azimuth in zip(Argoverse2SurroundDataset.CAMERAS, AZIMUTHS):
        place = [0.9 + 0.7 * np.cos(np.radians(azimuth)), 0.4 * np.sin(np.radians(azimuth)), 1.6]
        # The first is portrait, as in the real rig.
        focal, size = (1.15, (128, 96)) if azimuth == 0 else (0.82, (96, 128))
        cameras.append(level_camera(name, azimuth, place, focal, size))
    drive = drive_through(cameras, LAGS)
    return write_argoverse2(root, cameras, drive), cameras, drive


def nanoseconds(time):
    """Seconds of the drive as the data set counts them."""
    return EPOCH + round(time * 1e9)


def write_argoverse2(root, cameras, drive, split='train', log=LOG):
    """Write the log and return ``root``. Between two images of a camera there is another one, which shows nothing."""
    import pyarrow as pa

    from fsmde.synthetic.dgp import quaternion

    folder = root / split / log

    def write_table(path, **columns):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        table = pa.table(columns)
        with pa.OSFile(str(folder / path), 'wb') as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)

    def write_poses(path, key, values, poses):
        rotations = np.array([quaternion(pose[:3, :3]) for pose in poses])
        columns = dict(zip(('qw', 'qx', 'qy', 'qz'), rotations.T))
        columns.update(zip(('tx_m', 'ty_m', 'tz_m'), np.array([pose[:3, 3] for pose in poses]).T))
        write_table(path, **{key: values}, **columns)

    names = [camera.name for camera in cameras]
    mountings = [camera.cam2ego for camera in cameras]
    write_poses(
        'calibration/egovehicle_SE3_sensor.feather',
        'sensor_name',
        [*names, 'up_lidar', 'down_lidar'],
        [*mountings, np.eye(4), np.eye(4)],
    )
    K, sizes = (
        np.array([camera.cam2img + HALF_PIXEL for camera in cameras]),
        np.array([camera.size for camera in cameras]),
    )
    write_table(
        'calibration/intrinsics.feather',
        sensor_name=names,
        fx_px=K[:, 0, 0],
        fy_px=K[:, 1, 1],
        cx_px=K[:, 0, 2],
        cy_px=K[:, 1, 2],
        # As in the published files: of the lens before the images were undistorted.
        k1=np.full(len(names), -0.24),
        k2=np.full(len(names), -0.21),
        k3=np.full(len(names), 0.33),
        height_px=sizes[:, 0].astype(np.uint16),
        width_px=sizes[:, 1].astype(np.uint16),
    )
    poses = {}
    for moment in drive:
        sweep = nanoseconds(moment.time)
        poses[sweep] = moment.ego2world
        x, y, z = moment.points.astype(np.float16).T
        count = len(x)
        write_table(
            f'sensors/lidar/{sweep}.feather',
            x=x,
            y=y,
            z=z,
            intensity=(moment.intensity * 255).astype(np.uint8),
            laser_number=np.arange(count).astype(np.uint8) % 64,
            offset_ns=np.linspace(0, 1e8, count).astype(np.int32),
        )
        for camera, shot in zip(cameras, moment.shots):
            for time, image in ((shot.time, shot.image), (shot.time + 0.05, np.full_like(shot.image, 128))):
                poses[nanoseconds(time)] = shot.ego2world
                path = folder / f'sensors/cameras/{camera.name}/{nanoseconds(time)}.jpg'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    write_poses('city_SE3_egovehicle.feather', 'timestamp_ns', sorted(poses), [poses[time] for time in sorted(poses)])
    return root
