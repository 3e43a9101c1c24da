"""A tiny DGP data set with known geometry: a rig in the middle of a cylinder of radius 10 m around the z axis."""

import json

import cv2
import numpy as np

AZIMUTHS = dict(CAMERA_01=0, CAMERA_05=60, CAMERA_07=120, CAMERA_09=180, CAMERA_08=240, CAMERA_06=300)
HEIGHT, WIDTH, FOCAL, RADIUS = 48, 64, 40.0, 10.0


def camera_quaternion(azimuth):
    """(w, x, y, z) of a level camera (x right, y down, z forward) looking to ``azimuth`` degrees in the ego frame."""
    half = np.radians(azimuth) / 2
    turn = np.array([np.cos(half), 0, 0, np.sin(half)])
    forward = np.array([0.5, -0.5, 0.5, -0.5])
    w1, x1, y1, z1 = turn
    w2, x2, y2, z2 = forward
    return [
        w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
        w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
        w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
        w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
    ]


def pose(quaternion, translation=(0, 0, 0)):
    return dict(
        rotation=dict(zip(('qw', 'qx', 'qy', 'qz'), map(float, quaternion))),
        translation=dict(zip('xyz', map(float, translation))),
    )


def cylinder_points(count=4000, seed=0):
    """(count, 4) points x, y, z, intensity on the cylinder, within 4 m of the rig's height."""
    rng = np.random.default_rng(seed)
    angle, z = rng.uniform(-np.pi, np.pi, count), rng.uniform(-4, 4, count)
    return np.stack([RADIUS * np.cos(angle), RADIUS * np.sin(angle), z, np.ones(count)], 1)


def write_toy_dgp(root, cameras=AZIMUTHS, samples=3, size=(HEIGHT, WIDTH), splits=('train', 'val')):
    """Write the data set and return its root."""
    scene = root / '000000'
    (scene / 'calibration').mkdir(parents=True)
    rng = np.random.default_rng(0)
    height, width = size
    names = ['LIDAR', *cameras]
    zero = dict(fx=0.0, fy=0.0, cx=0.0, cy=0.0, skew=0.0)
    pinhole = dict(fx=FOCAL, fy=FOCAL, cx=width / 2, cy=height / 2, skew=0.0)
    calibration = dict(
        names=names,
        intrinsics=[zero] + [pinhole] * len(cameras),
        extrinsics=[pose([1, 0, 0, 0])] + [pose(camera_quaternion(azimuth)) for azimuth in cameras.values()],
    )
    (scene / 'calibration' / 'c0.json').write_text(json.dumps(calibration))
    data, sample_list = [], []
    for number in range(samples):
        keys = []
        offset = (40000.0 + number, -20000.0, 5.0)
        for name in names:
            key = f'{name}-{number}'
            keys.append(key)
            if name == 'LIDAR':
                filename = f'point_cloud/LIDAR/{number}.npz'
                (scene / filename).parent.mkdir(parents=True, exist_ok=True)
                np.savez(scene / filename, data=cylinder_points(seed=number))
                datum = dict(point_cloud=dict(filename=filename, pose=pose([1, 0, 0, 0], offset)))
            else:
                filename = f'rgb/{name}/{number}.png'
                (scene / filename).parent.mkdir(parents=True, exist_ok=True)
                image = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (width, height))
                cv2.imwrite(str(scene / filename), image)
                datum = dict(image=dict(filename=filename, pose=pose(camera_quaternion(cameras[name]), offset)))
            data.append(dict(key=key, id=dict(name=name.lower(), timestamp=f't{number}'), datum=datum))
        sample_list.append(dict(calibration_key='c0', datum_keys=keys, id=dict(timestamp=f't{number}')))
    (scene / 'scene_0.json').write_text(json.dumps(dict(data=data, samples=sample_list, name='0')))
    entry = dict(filenames=['000000/scene_0.json'])
    index = dict(scene_splits={str(('train', 'val', 'test').index(split)): entry for split in splits})
    (root / 'ddad.json').write_text(json.dumps(index))
    return root
