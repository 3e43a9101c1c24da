"""Hand-made frames in the form in which mmengine hands them to a metric."""

import numpy as np
import torch

from fsmde.rig import CameraRig, PixelPoints
from fsmde.structures import PackedMask

CAMERAS = ('CAMERA_01', 'CAMERA_05', 'CAMERA_06')
META = dict(dataset='hand_made', cam_names=CAMERAS, max_depth=100.0)


def look(azimuth, position=(0, 0, 0)):
    """cam2ego of a level camera that looks towards an azimuth in degrees."""
    a = np.deg2rad(azimuth)
    pose = np.eye(4)
    # Columns: x right, y down, z forward, in the ego frame.
    pose[:3, :3] = np.array([[np.sin(a), 0, np.cos(a)], [-np.cos(a), 0, np.sin(a)], [0, -1, 0]])
    pose[:3, 3] = position
    return pose


def points(camera, u, v, z, index=None, inner=None):
    """PixelPoints of plain lists."""
    inner = np.ones(len(z), bool) if inner is None else np.asarray(inner, bool)
    index = np.arange(len(z)) if index is None else index
    camera, u, v, index = (np.asarray(x, dtype=np.int32) for x in (camera, u, v, index))
    return PixelPoints(camera, u, v, np.asarray(z, dtype=np.float32), index, inner)


def frame(pred, pixels, index=0, scene='a', size=(8, 12), visible=None, azimuths=None, **more):
    """A sample of N cameras with images of one size and a prediction (N, h, w)."""
    N, h, w = np.shape(pred)
    K = np.array([[size[1] / 2, 0, size[1] / 2], [0, size[1] / 2, size[0] / 2], [0, 0, 1]])
    scale = np.diag([w / size[1], h / size[0], 1])
    cam2ego = np.stack([look(a) for a in azimuths or [360 / N * n for n in range(N)]])
    names = CAMERAS[:N]
    sample = dict(
        pred_depth=torch.as_tensor(np.asarray(pred), dtype=torch.float32),
        gt_depth=torch.zeros(N, h, w),
        valid_mask=torch.ones(N, h, w, dtype=torch.bool),
        frame_id=f'{scene}/{index:04d}',
        scene=scene,
        sample_idx=index,
        cam_names=names,
        neighbors=CameraRig(names, np.stack([K] * N), cam2ego).neighbors,
        cam2img=np.stack([scale @ K] * N),
        ori_cam2img=np.stack([K] * N),
        cam2ego=cam2ego,
        lidar2cam=np.linalg.inv(cam2ego),
        ori_shape=np.tile(size, (N, 1)),
        lidar_pixels=pixels,
        lidar_visible=np.ones(len(pixels.z), bool) if visible is None else np.asarray(visible),
    )
    return dict(sample, **more)


def random_frame(
    seed, index=None, scene='a', num_points=400, num_cameras=3, size=(24, 36), input_size=(12, 18), **more
):
    """A frame whose points collide, overlap, leave the range and are partly hidden by the car."""
    rng = np.random.default_rng(seed)
    pixels = points(
        np.sort(rng.integers(0, num_cameras, num_points)),
        rng.integers(0, size[1], num_points),
        rng.integers(0, size[0], num_points),
        rng.choice([0.05, 130.0, *rng.uniform(0.5, 99, 60)], num_points),
        rng.integers(0, num_points, num_points),
    )
    pred = rng.uniform(0.5, 120, (num_cameras, *input_size))
    masks = rng.random((num_cameras, *size)) > 0.2
    more.setdefault('ori_visible', [PackedMask.pack(mask) for mask in masks])
    visible = masks[pixels.camera, pixels.v, pixels.u]
    return frame(pred, pixels, seed if index is None else index, scene, size, visible, **more)
