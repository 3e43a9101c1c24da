"""Segments with the columns of the Waymo Open Dataset v2, as ``waymo_open_dataset.v2.perception`` defines them."""

import cv2
import numpy as np
from world_drive import OFFSET, drive_through, level_camera

from fsmde.converters import convert_waymo

NAMES = ('FRONT', 'FRONT_LEFT', 'FRONT_RIGHT', 'SIDE_LEFT', 'SIDE_RIGHT')
EPOCH = 1553735853462203
#: From Waymo's camera axes (x forward, y left, z up) to ours.
TO_OPTICAL = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
TOP_ROWS, TOP_COLUMNS, COLUMN_GROUPS, SWEEP = 24, 120, 12, 0.1

#: Where the cameras look, seconds from the sweep's start to their exposure, and k1, k2, p1, p2, k3 of their lens.
AZIMUTHS = dict(FRONT=0, FRONT_LEFT=45, FRONT_RIGHT=-45, SIDE_LEFT=90, SIDE_RIGHT=-90)
LAGS, LENS = (0.048, 0.041, 0.055, 0.03, 0.066), (0.04, -0.33, 0.002, -0.001, 0.0)
SEGMENT = '1000_000_1020_000'


def waymo_world(root):
    """Write a segment of two frames and convert it; returns both folders, the cameras, the drive and the LiDAR's truth."""
    times = [0.0, 0.1]
    cameras = [
        level_camera(name, azimuth, [1.5, azimuth / 1000, 2.1], 1.05, (64, 96) if 'F' in name else (44, 96), LENS)
        for name, azimuth in AZIMUTHS.items()
    ]
    drive = drive_through(cameras, LAGS)
    files, stamps = SegmentFiles(root / 'source', SEGMENT), [micros(time) for time in times]
    write_cameras(
        files,
        list(AZIMUTHS),
        [camera.cam2img for camera in cameras],
        [LENS] * 5,
        [camera.cam2ego for camera in cameras],
        [camera.size for camera in cameras],
        stamps,
        [[encode(shot.image) for shot in moment.shots] for moment in drive],
        [[shot.ego2world for shot in moment.shots] for moment in drive],
    )
    lasers, ranges, pixel_poses, ego2world, truths = spin_through(times)
    write_lidar(files, stamps, lasers, ranges, pixel_poses)
    write_vehicle_poses(files, stamps, ego2world)
    convert_waymo(root / 'source', root / 'converted', ['training'])
    return root / 'converted', root / 'source', cameras, drive, truths


def micros(time):
    """Seconds of the drive as the data set counts them."""
    return EPOCH + round(time * 1e6)


class SegmentFiles:
    """Writes components of one segment under ``root / split``."""

    def __init__(self, root, segment, split='training'):
        self.folder, self.segment = root / split, segment

    def write(self, component, cls, keys, columns, row_count):
        """Write a component; ``columns`` are pairs of a pyarrow array by name, with types as published."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = {'key.segment_context_name': pa.array([self.segment] * row_count)}
        table.update({f'key.{name}': column for name, column in keys.items()})
        table.update({f'[{cls}].{name}': column for name, column in columns.items()})
        path = self.folder / component / f'{self.segment}.parquet'
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(table), path)
        return path


def transforms(matrices):
    """A column of ``Transform``."""
    import pyarrow as pa

    return pa.array([np.ravel(matrix).tolist() for matrix in matrices], pa.list_(pa.float32(), 16))


def range_images(name, images):
    """The two columns of a range image."""
    import pyarrow as pa

    return {
        f'{name}.values': pa.array([image.astype(np.float32).ravel() for image in images], pa.list_(pa.float32())),
        f'{name}.shape': pa.array([list(image.shape) for image in images], pa.list_(pa.int32(), 3)),
    }


def write_cameras(files, names, K, lenses, cam2ego, sizes, times, jpegs, poses):
    """Components camera_calibration and camera_image.

    Args:
        K, lenses, cam2ego, sizes: Of N cameras: (3, 3), (k1, k2, p1, p2, k3), (4, 4) with our axes, (height, width).
        times: F numbers of frames.
        jpegs, poses: F lists of N: bytes, and (4, 4) vehicle poses at the images' own times.
    """
    import pyarrow as pa

    N, F = len(names), len(times)
    numbers = [NAMES.index(name) + 1 for name in names]
    values = np.concatenate([np.array([[k[0, 0], k[1, 1], k[0, 2], k[1, 2]] for k in K]), lenses], 1).T
    intrinsic = dict(zip(('f_u', 'f_v', 'c_u', 'c_v', 'k1', 'k2', 'p1', 'p2', 'k3'), values))
    files.write(
        'camera_calibration',
        'CameraCalibrationComponent',
        dict(camera_name=pa.array(numbers, pa.int8())),
        {
            **{f'intrinsic.{name}': pa.array(column) for name, column in intrinsic.items()},
            'extrinsic.transform': pa.array(
                [(pose @ TO_OPTICAL).ravel().tolist() for pose in cam2ego], pa.list_(pa.float64(), 16)
            ),
            'width': pa.array([size[1] for size in sizes], pa.int32()),
            'height': pa.array([size[0] for size in sizes], pa.int32()),
            'rolling_shutter_direction': pa.array([2] * N, pa.int8()),
        },
        N,
    )
    files.write(
        'camera_image',
        'CameraImageComponent',
        dict(frame_timestamp_micros=pa.array(np.repeat(times, N)), camera_name=pa.array(numbers * F, pa.int8())),
        {
            'image': pa.array([image for images in jpegs for image in images], pa.binary()),
            'pose.transform': transforms([pose for row in poses for pose in row]),
        },
        N * F,
    )


def write_lidar(files, times, lasers, ranges, pixel_poses):
    """Components lidar_calibration, lidar and lidar_pose (of the top LiDAR, number 1).

    Args:
        lasers: {number: (laser2ego (4, 4), inclinations from the lowest to the highest or None, lowest, highest)}.
        ranges: F dicts {number: (H, W) metres}.
        pixel_poses: F (H, W, 6).
    """
    import pyarrow as pa

    numbers, F = list(lasers), len(times)
    files.write(
        'lidar_calibration',
        'LiDARCalibrationComponent',
        dict(laser_name=pa.array(numbers, pa.int8())),
        {
            'extrinsic.transform': pa.array(
                [lasers[n][0].ravel().tolist() for n in numbers], pa.list_(pa.float64(), 16)
            ),
            'beam_inclination.min': pa.array([lasers[n][2] for n in numbers]),
            'beam_inclination.max': pa.array([lasers[n][3] for n in numbers]),
            'beam_inclination.values': pa.array([lasers[n][1] for n in numbers], pa.list_(pa.float64())),
        },
        len(numbers),
    )
    images = [np.stack([ranges[f][n], *np.zeros((3, *ranges[f][n].shape))], -1) for f in range(F) for n in numbers]
    files.write(
        'lidar',
        'LiDARComponent',
        dict(
            frame_timestamp_micros=pa.array(np.repeat(times, len(numbers))),
            laser_name=pa.array(numbers * F, pa.int8()),
        ),
        range_images('range_image_return1', images),
        F * len(numbers),
    )
    files.write(
        'lidar_pose',
        'LiDARPoseComponent',
        dict(frame_timestamp_micros=pa.array(times), laser_name=pa.array([1] * F, pa.int8())),
        range_images('range_image_return1', pixel_poses),
        F,
    )


def write_vehicle_poses(files, times, ego2world):
    """Component vehicle_pose."""
    import pyarrow as pa

    files.write(
        'vehicle_pose',
        'VehiclePoseComponent',
        dict(frame_timestamp_micros=pa.array(times)),
        {'world_from_vehicle.transform': transforms(ego2world)},
        len(times),
    )


def spin_through(times):
    """The built-in world as a top LiDAR sees it that turns while the car drives, and as one that looks ahead at once.

    Returns:
        tuple: ``lasers``, ``ranges`` and ``pixel_poses`` of :func:`write_lidar`, F (4, 4) vehicle poses, and F (P, 3)
        float64 points in the world where the beams arrive.
    """
    from scipy.spatial.transform import Rotation

    from fsmde.synthetic.scene import Scene

    scene = Scene(0, 'student', 0, 0, len(times), 0.1, (48, 80))
    top, front = np.eye(4), np.eye(4)
    top[:3, :3] = Rotation.from_euler('ZYX', [148, 0.4, -0.7], degrees=True).as_matrix()
    top[:3, 3], front[:3, 3] = [1.2, 0.0, 2.1], [3.9, 0.0, 0.9]
    inclinations = np.radians(np.linspace(-4.2, 1.5, TOP_ROWS) ** 3 / 4.2**2)
    lasers = {
        1: (top, inclinations.tolist(), float(inclinations[0]), float(inclinations[-1])),
        2: (front, None, -0.5, 0.3),
    }
    ranges, pixel_poses, ego2world, truths = [], [], [], []
    for start in times:
        middle, found = start + SWEEP / 2, []
        world, pose = scene.world(middle)
        ego2world.append(_moved(pose))
        image, pixels = np.zeros((TOP_ROWS, TOP_COLUMNS)), np.zeros((TOP_ROWS, TOP_COLUMNS, 6))
        for group in np.array_split(np.arange(TOP_COLUMNS), COLUMN_GROUPS):
            # From behind over the right... a column further right in the image is measured later.
            now = scene.drive.pose(scene.road, start + SWEEP * group.mean() / TOP_COLUMNS)
            azimuth = np.pi - 2 * np.pi * (group + 0.5) / TOP_COLUMNS  # In the vehicle, from the LiDAR's place.
            turn = np.arctan2(top[1, 0], top[0, 0])
            reach = _cast(world, now @ top, azimuth - turn, inclinations[::-1], found)
            image[:, group] = reach
            angles = Rotation.from_matrix(now[:3, :3]).as_euler('ZYX')[::-1]
            pixels[:, group] = [*angles, *_moved(now)[:3, 3]]
        rows = -0.5 + (np.arange(8)[::-1] + 0.5) / 8 * 0.8
        flat = _cast(world, pose @ front, np.pi - 2 * np.pi * (np.arange(60) + 0.5) / 60, rows, found)
        ranges.append({1: image, 2: flat})
        pixel_poses.append(pixels)
        truths.append(np.concatenate(found) + OFFSET)
    return lasers, ranges, pixel_poses, ego2world, truths


def _moved(pose):
    pose = pose.copy()
    pose[:3, 3] += OFFSET
    return pose


def _cast(world, laser2world, azimuth, inclination, found):
    """(H, W) metres, 0 where nothing returns; appends the points in the world."""
    around, up = np.meshgrid(azimuth, inclination)
    rays = np.stack([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)], -1).reshape(-1, 3)
    directions = rays @ laser2world[:3, :3].T
    hits = world.cast(laser2world[:3, 3], directions)
    seen = (hits.reach < 75) & (hits.part != len(world.parts) - 1)
    found.append(laser2world[:3, 3] + directions[seen] * hits.reach[seen, None])
    return np.where(seen, hits.reach, 0).reshape(around.shape)


def encode(image):
    """A JPEG's bytes."""
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
