"""The scene of toy_dgp.py as v2 infos of mmdet3d: JPEG images, raw clouds of five float32 a point, a pickled index."""

import pickle

import cv2
import numpy as np

from fsmde.poses import quaternion_to_matrix
from toy_dgp import FOCAL, HEIGHT, WIDTH, camera_quaternion, cylinder_points


def write_toy_infos(root, cameras, samples=2):
    """Write the data set and return its root."""
    rng = np.random.default_rng(0)
    cam2img = [[FOCAL, 0.0, WIDTH / 2], [0.0, FOCAL, HEIGHT / 2], [0.0, 0.0, 1.0]]
    data_list = []
    (root / 'samples/LIDAR_TOP').mkdir(parents=True)
    for number in range(samples):
        points = np.concatenate([cylinder_points(seed=number), np.zeros((4000, 1))], 1).astype(np.float32)
        points.tofile(root / f'samples/LIDAR_TOP/log__{number}.bin')
        images = {}
        for name, azimuth in cameras.items():
            (root / 'samples' / name).mkdir(exist_ok=True)
            image = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (WIDTH, HEIGHT))
            cv2.imwrite(str(root / f'samples/{name}/{number}.jpg'), image)
            cam2ego = quaternion_to_matrix(np.zeros((1, 3)), np.array([camera_quaternion(azimuth)]))[0]
            images[name] = dict(
                img_path=f'{number}.jpg',
                cam2img=cam2img,
                cam2ego=cam2ego.tolist(),
                lidar2cam=np.linalg.inv(cam2ego).tolist(),
                timestamp=number + 0.5,
                height=HEIGHT,
                width=WIDTH,
            )
        pose = np.eye(4)
        pose[:3, 3] = [700.0 + number, 1200.0, 0.0]
        data_list.append(
            dict(
                sample_idx=number,
                token=f'token{number}',
                timestamp=number + 0.5,
                ego2global=pose.tolist(),
                images=images,
                lidar_points=dict(lidar_path=f'log__{number}.bin', num_pts_feats=5, lidar2ego=np.eye(4).tolist()),
            )
        )
    with open(root / 'infos.pkl', 'wb') as file:
        pickle.dump(dict(metainfo=dict(dataset='nuscenes', version='v1.0'), data_list=data_list), file)
    return root
