"""Writes nuScenes' raw tables, and a drive through a cylinder that they describe: cameras fire one after the other."""

import hashlib
import json
import pickle
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from fsmde.poses import quaternion_to_matrix
from toy_dgp import FOCAL, HEIGHT, WIDTH, camera_quaternion

VERSION = 'v1.0-toy'
AZIMUTHS = dict(
    CAM_FRONT=0, CAM_FRONT_LEFT=60, CAM_BACK_LEFT=120, CAM_BACK=180, CAM_BACK_RIGHT=240, CAM_FRONT_RIGHT=300
)
CAM2IMG = [[FOCAL, 0.0, WIDTH / 2], [0.0, FOCAL, HEIGHT / 2], [0.0, 0.0, 1.0]]
#: Of the cylinder in the world, metres: its centre and its radius.
CENTRE, RADIUS = np.array([700.0, 1600.0]), 30.0


@dataclass
class Record:
    """An image or a sweep: its sensor, microseconds, file under the root, ego pose, and number of a key frame's sample."""

    channel: str
    time: int
    path: str
    ego2world: np.ndarray
    sample: int
    key_frame: bool


def token_of(*words):
    return hashlib.md5('/'.join(map(str, words)).encode()).hexdigest()


def as_row(matrix):
    x, y, z, w = Rotation.from_matrix(matrix[:3, :3]).as_quat().tolist()
    return dict(translation=matrix[:3, 3].tolist(), rotation=[w, x, y, z])


def write_tables(root, scenes, sensor2ego, cam2img, sizes):
    """Write the thirteen tables that nuscenes-devkit reads.

    Args:
        scenes: ``{name: [Record]}``; the samples of a scene are numbered from 0.
        sensor2ego, cam2img, sizes: By channel a 4x4 pose, 3x3 intrinsics and an image's (height, width); the LiDAR has
            the first of them alone.

    Returns:
        list: Tokens of the samples.
    """
    tables = {name: [] for name in ('category', 'attribute', 'visibility', 'instance', 'sample_annotation')}
    tables['sensor'] = [
        dict(token=token_of(c), channel=c, modality='camera' if c in cam2img else 'lidar') for c in sensor2ego
    ]
    for name in ('calibrated_sensor', 'scene', 'sample', 'sample_data', 'ego_pose', 'log'):
        tables[name] = []
    for scene, records in scenes.items():
        tables['log'].append(dict(token=token_of('log', scene), logfile=scene, vehicle='n', location='x'))
        for channel, pose in sensor2ego.items():
            intrinsic = np.asarray(cam2img[channel]).tolist() if channel in cam2img else []
            row = dict(token=token_of(scene, channel), sensor_token=token_of(channel), camera_intrinsic=intrinsic)
            tables['calibrated_sensor'].append({**row, **as_row(pose)})
        numbers = sorted({record.sample for record in records})
        samples = [token_of(scene, 'sample', n) for n in numbers]
        ends = dict(first_sample_token=samples[0], last_sample_token=samples[-1])
        row = dict(token=token_of(scene), log_token=token_of('log', scene), nbr_samples=len(samples), name=scene)
        tables['scene'].append(dict(row, description='', **ends))
        for n, sample in zip(numbers, samples):
            time = next(record.time for record in records if record.sample == n and record.key_frame)
            tables['sample'].append(dict(token=sample, timestamp=time, prev='', next='', scene_token=token_of(scene)))
        for record in records:
            token = token_of(scene, record.channel, record.time)
            height, width = sizes.get(record.channel, (0, 0))
            tables['ego_pose'].append(dict(token=token, timestamp=record.time, **as_row(record.ego2world)))
            tables['sample_data'].append(
                dict(
                    token=token, sample_token=token_of(scene, 'sample', record.sample), ego_pose_token=token,
                    calibrated_sensor_token=token_of(scene, record.channel), timestamp=record.time,
                    fileformat='jpg' if height else 'pcd', is_key_frame=record.key_frame, height=height, width=width,
                    filename=record.path, prev='', next='',
                )
            )  # fmt: skip
    logs = [row['token'] for row in tables['log']]
    tables['map'] = [dict(token='m', category='semantic_prior', filename='maps/m.png', log_tokens=logs)]
    (root / 'maps').mkdir(parents=True)
    cv2.imwrite(str(root / 'maps/m.png'), np.zeros((2, 2), np.uint8))
    (root / VERSION).mkdir()
    for name, rows in tables.items():
        (root / VERSION / f'{name}.json').write_text(json.dumps(rows, indent=0))
    return [row['token'] for row in tables['sample']]


def write_token_infos(path, tokens):
    """What NuScenesSweepDataset reads of v2 infos."""
    content = dict(metainfo=dict(dataset='nuscenes'), data_list=[dict(token=token) for token in tokens])
    path.write_bytes(pickle.dumps(content))


def moved(x, y, z, yaw=0.0):
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler('z', yaw).as_matrix()
    pose[:3, 3] = x, y, z
    return pose


def ego2world(microseconds, scene=0):
    """The car drives 10 m/s and turns 17 degrees a second."""
    t = microseconds / 1e6 - 100 * scene
    return moved(CENTRE[0] - 5 + 10 * t, CENTRE[1] + 2 * scene, 1.0, 0.3 * t)


SENSOR2EGO = {
    name: moved(1.5 * np.cos(np.radians(a)), 0.5 * np.sin(np.radians(a)), 1.5)
    @ quaternion_to_matrix(np.zeros(3), camera_quaternion(a))
    for name, a in AZIMUTHS.items()
}
SENSOR2EGO['LIDAR_TOP'] = moved(0.9, 0.0, 1.8, -np.pi / 2)


def write_toy_nuscenes(root, keep=lambda scene, channel, time: True, points=400):
    """Two scenes of a second: cameras at 12 Hz, 7 ms apart, the LiDAR at 20 Hz, a key frame at 0.0, 0.5 and 1.0 s.

    Args:
        keep: Whether there is a recording of a scene (0, 1) and channel at so many microseconds from the scene's start.

    Returns:
        list: Tokens of the samples.
    """
    rng, scenes = np.random.default_rng(0), {}
    grey = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    for number, name in enumerate(('scene-0001', 'scene-0002')):
        start = 100_000_000 * number
        times = {c: [round(1e6 * k / 12) + 7000 * n for k in range(13)] for n, c in enumerate(AZIMUTHS)}
        times['LIDAR_TOP'] = [50_000 * k for k in range(21)]
        records = []
        for channel, own in times.items():
            keys = [min(own, key=lambda time: abs(time - key)) for key in (0, 500_000, 1_000_000)]
            for time in (time for time in own if keep(number, channel, time)):
                kind, suffix = 'samples' if time in keys else 'sweeps', 'bin' if channel == 'LIDAR_TOP' else 'jpg'
                path = f'{kind}/{channel}/log{number}__{channel}__{start + time}.{suffix}'
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                pose = ego2world(start + time, number)
                if channel == 'LIDAR_TOP':
                    sweep(rng, points, pose).tofile(root / path)
                else:
                    cv2.imwrite(str(root / path), grey)
                sample = min(-(-time // 500_000), 2)  # The one that follows; of what comes behind the last, the last.
                records.append(Record(channel, start + time, path, pose, sample, time in keys))
        scenes[name] = records
    cameras = dict.fromkeys(AZIMUTHS, CAM2IMG)
    return write_tables(root, scenes, SENSOR2EGO, cameras, dict.fromkeys(AZIMUTHS, (HEIGHT, WIDTH)))


def sweep(rng, count, pose):
    """(count, 5) float32 points of the cylinder in the LiDAR's frame, seen from an ego pose at one moment."""
    angle, z = rng.uniform(-np.pi, np.pi, count), rng.uniform(0, 5, count)
    world = np.stack([CENTRE[0] + RADIUS * np.cos(angle), CENTRE[1] + RADIUS * np.sin(angle), z, np.ones(count)])
    lidar = np.linalg.inv(pose @ SENSOR2EGO['LIDAR_TOP']) @ world
    return np.c_[lidar[:3].T, np.zeros((count, 2))].astype(np.float32)
