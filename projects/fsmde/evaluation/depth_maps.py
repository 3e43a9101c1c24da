"""Ground truth in depth maps: what is evaluated where there are depth images and predictions, and no data set."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from fsmde.rig import PixelPoints

from .predictions import SUFFIXES, read_depth
from .protocols import Protocol, get_protocol


class DepthMapFrames:
    """The frames of a folder ``<frame>/<camera>.png``, ``.npz`` or ``.npy``; a frame is any path of folders.

    Each is a sample for :class:`fsmde.evaluation.SurroundDepthMetric` without ``pred_depth``: every pixel of a map that
    is finite and over 0 counts as a measurement.

    Args:
        folder: See :data:`fsmde.evaluation.predictions.SUFFIXES` for what the files hold.
        max_depth: Metres that the evaluation goes to.

    Raises:
        FileNotFoundError: If there is no map in the folder.
        ValueError: If a frame lacks a camera that another has, or has two maps of one.
    """

    def __init__(self, folder: str, max_depth: float):
        self.folder, self.frames = Path(folder), {}
        for path in sorted(path for path in self.folder.rglob('*') if path.suffix in SUFFIXES):
            frame = self.frames.setdefault(path.parent.relative_to(self.folder).as_posix(), {})
            if path.stem in frame:
                raise ValueError(f'{frame[path.stem]} and {path} are maps of one camera: remove one')
            frame[path.stem] = path
        if not self.frames:
            raise FileNotFoundError(
                f'{folder} holds no depth map <frame>/<camera> with one of the suffixes {SUFFIXES}'
            )
        cameras = sorted({camera for frame in self.frames.values() for camera in frame})
        for frame_id, frame in self.frames.items():
            absent = [camera for camera in cameras if camera not in frame]
            if absent:
                raise ValueError(
                    f'{self.folder / frame_id} has no depth map of {absent}, which other frames have: every frame needs all '
                    'cameras; a map of zeros says that one was not measured'
                )
        self.metainfo = dict(dataset=None, cam_names=cameras, max_depth=float(max_depth))

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, index: int) -> dict:
        frame_id = list(self.frames)[index]
        cameras = self.metainfo['cam_names']
        maps = [read_depth(str(self.frames[frame_id][camera])) for camera in cameras]
        points = pixels_of_maps(maps)
        return dict(
            frame_id=frame_id,
            scene=frame_id.rpartition('/')[0],
            sample_idx=index,
            cam_names=cameras,
            neighbors=np.full((len(cameras), 2), -1),
            ori_shape=np.array([depth.shape for depth in maps]),
            ori_cam2img=np.full((len(cameras), 3, 3), np.nan),
            lidar_pixels=points,
            lidar_visible=np.ones(len(points.z), dtype=bool),
        )


def pixels_of_maps(maps: list) -> PixelPoints:
    """The measured pixels of N (H, W) maps in metres; those that are not finite or not over 0 are none."""
    camera, u, v, z = [], [], [], []
    for n, depth in enumerate(maps):
        rows, columns = np.nonzero(np.isfinite(depth) & (depth > 0))
        camera.append(np.full(len(rows), n))
        u.append(columns)
        v.append(rows)
        z.append(depth[rows, columns])
    camera, u, v, z = (np.concatenate(column) for column in (camera, u, v, z))
    index = np.arange(len(z), dtype=np.int32)
    return PixelPoints(
        camera.astype(np.int8),
        u.astype(np.int32),
        v.astype(np.int32),
        z.astype(np.float32),
        index,
        np.ones(len(z), dtype=bool),
    )


def on_maps(protocol) -> Protocol:
    """A protocol with depth maps in the place of LiDAR: they say so in every table, and hold no mask."""
    return replace(get_protocol(protocol), ground_truth='maps', mask=False, mask_size='full')
