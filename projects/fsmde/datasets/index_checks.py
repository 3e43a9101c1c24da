"""What must hold for every frame of an index before the first one is loaded."""

import numpy as np

from fsmde.calibration import find_fault, find_fault_in_world, looks_at_the_sky, pinhole_fault, pose_faults
from fsmde.lenses import Lens

#: Frames whose matrices are checked in one call: more take memory and no less time.
CHUNK = 1000
#: Frames in which ground truth is looked for before a training.
PROBED_FRAMES = 21


def check_index(frames: list, cameras: list) -> None:
    """Check names and calibration of all entries of a data set.

    Args:
        frames: Entries as :class:`fsmde.datasets.SurroundDepthDataset` wants them.
        cameras: N names.

    Raises:
        ValueError: Names the frame and the camera.
    """
    seen = set()
    for frame in frames:
        if frame['frame_id'] in seen:
            raise ValueError(f'frame {frame["frame_id"]!r} is in the index twice: frame_id (a token) must be unique')
        seen.add(frame['frame_id'])
    for first in range(0, len(frames), CHUNK):
        _check_geometry(frames[first : first + CHUNK], cameras)
    for frame in frames:
        check_intrinsics(dict(frame, cam_names=cameras), frame.get('stated_sizes') or [None] * len(cameras))


def check_intrinsics(frame: dict, sizes) -> None:
    """See :func:`fsmde.calibration.pinhole_fault`.

    Args:
        frame: Has ``frame_id``, ``cam_names`` and ``cam2img`` (N, 3, 3).
        sizes: N (height, width) of the images; None where it is not known yet.

    Raises:
        ValueError: Names the frame and the camera.
    """
    for camera, matrix, size in zip(frame['cam_names'], frame['cam2img'], sizes):
        fault = size is not None and pinhole_fault(matrix, size[::-1])
        if fault:
            raise ValueError(f'frame {frame["frame_id"]}: camera {camera}: cam2img: {fault}')


def refuse_lenses(frame: dict, what: str) -> None:
    """Make sure that what takes cameras for pinholes is not given others.

    Args:
        frame: A frame, or an entry of an index; has ``lenses`` if a camera is none and was not rectified.
        what: Who asks, for the error.

    Raises:
        ValueError: Names the cameras and their lenses.
    """
    if not frame.get('lenses'):
        return
    bent = {
        camera: lens.MODEL for camera, lens in zip(frame['cam_names'], frame['lenses']) if lens.MODEL != Lens.MODEL
    }
    raise ValueError(
        f'frame {frame["frame_id"]}: {what} takes every camera for a pinhole, and these have lenses: {bent}. Add '
        'dict(type=RectifyViews) to the pipeline, directly behind LoadSurroundImages'
    )


def check_ground_truth(dataset) -> None:
    """Load frames that are spread over a data set until one has ground truth; mostly the first has.

    Args:
        dataset: A :class:`fsmde.datasets.SurroundDepthDataset` that is initialised.

    Raises:
        ValueError: If of :data:`PROBED_FRAMES` frames with labels no LiDAR point falls into the visible part of an image.
            Frames that cannot be read say nothing: they are logged and replaced when they are loaded.
    """
    probed, empty = 0, []
    # Multiples of the golden ratio, modulo 1: any beginning of this order is spread over the whole.
    for index in np.argsort(np.arange(len(dataset)) * (5**0.5 - 1) / 2 % 1):
        info = dataset.get_data_info(int(index))
        if probed == PROBED_FRAMES:
            break
        if not info['labelled']:
            continue
        probed += 1
        try:
            visible = dataset.lidar_pixels(int(index))[1]
        except Exception:  # Whatever is broken in one frame must not end a training, now as later.
            continue
        if visible.any():
            return
        empty.append(info['frame_id'])
    if empty:
        raise ValueError(
            f'{dataset.ann_file}: there is no ground truth: of {len(empty)} frames with LiDAR, {empty[0]} among them, no '
            'point falls into the visible part of an image. Calibration, units or masks are wrong; '
            'tools/analysis_tools/browse_dataset.py draws them'
        )


def _check_geometry(frames, cameras):
    N = len(cameras)
    unknown = np.full((4, 4), np.nan)
    stacked = {}
    for key, shape in (
        ('cam2img', (N, 3, 3)),
        ('cam2ego', (N, 4, 4)),
        ('lidar2cam', (N, 4, 4)),
        ('lidar2ego', (4, 4)),
    ):
        matrices = [frame.get('lidar2ego', unknown) if key == 'lidar2ego' else frame[key] for frame in frames]
        for frame, matrix in zip(frames, matrices):
            if np.shape(matrix) != shape:
                raise ValueError(f'frame {frame["frame_id"]}: {key} must be {shape}, found {np.shape(matrix)}')
        stacked[key] = np.stack(matrices).astype(np.float64)
    fault = find_fault(**stacked)
    if fault:
        (number, camera), text = fault
        raise ValueError(f'frame {frames[number]["frame_id"]}: camera {cameras[camera]}: {text}')
    skyward, text = looks_at_the_sky(stacked['cam2ego'])
    # Of one camera the pose orders nothing.
    if N > 1 and skyward.any():
        number, camera = np.argwhere(skyward)[0]
        raise ValueError(f'frame {frames[number]["frame_id"]}: camera {cameras[camera]}: cam2ego {text}')
    posed = [frame for frame in frames if frame.get('ori_cam2world') is not None]
    stated = [frame for frame in frames if np.isfinite(frame.get('lidar2ego', unknown)).all()]
    for key, some in (('lidar2ego', stated), ('ori_cam2world', posed)):
        if not some:
            continue
        matrices = np.stack([frame[key] for frame in some])
        for wrong, text in pose_faults(matrices):
            if wrong.any():
                number, *camera = np.argwhere(wrong)[0]
                of = f'camera {cameras[camera[0]]}: ' if camera else ''
                raise ValueError(f'frame {some[number]["frame_id"]}: {of}{key} {text}: {matrices[wrong][0].tolist()}')
    if not posed:
        return
    fault = find_fault_in_world(*(np.stack([frame[key] for frame in posed]) for key in ('cam2ego', 'ori_cam2world')))
    if fault:
        (number, camera), text = fault
        raise ValueError(f'frame {posed[number]["frame_id"]}: camera {cameras[camera]}: {text}')
