"""Fields of mmdet3d's v2 infos, as its tools/dataset_converters/update_infos_to_v2.py defines them."""

import pickle

import numpy as np

#: ``metainfo['dataset']`` of data sets whose infos state no ``lidar2ego``, since their LiDAR points are in an ego frame: x
#: forward, y left, z up (Waymo's vehicle, KITTI's Velodyne).
LIDAR_IS_EGO = ('kitti', 'waymo')


def read_infos(path: str) -> tuple:
    """``metainfo`` and ``data_list`` of an info file.

    Raises:
        ValueError: If it is cut, needs modules that are not there, or holds something else; names the file.
    """
    try:
        with open(path, 'rb') as file:
            content = pickle.load(file)
    except OSError:
        raise
    except ImportError as error:
        raise ValueError(f'{path} holds objects of a module that is not installed: {error}') from error
    except Exception as error:  # A cut or foreign pickle raises nearly anything.
        raise ValueError(f'{path} is cut or no pickle: {type(error).__name__}: {error}') from error
    if not isinstance(content, dict) or not isinstance(content.get('data_list'), (list, tuple)):
        found = list(content) if isinstance(content, dict) else type(content).__name__
        raise ValueError(
            f'{path} holds {found}, not the v2 infos (metainfo, data_list) of mmdet3d >= 1.1; convert old ones with '
            "mmdet3d's tools/dataset_converters/update_infos_to_v2.py"
        )
    return content.get('metainfo') or {}, content['data_list']


def read_cameras(info: dict, cameras: list, lidar_is_ego: bool = False) -> dict:
    """Calibration of a frame.

    Args:
        info: Entry of ``data_list``.
        lidar_is_ego: Whether the points of a LiDAR without ``lidar2ego`` are in the ego frame.

    Returns:
        ``cam2img`` (N, 3, 3), ``cam2ego``, ``lidar2cam`` (N, 4, 4), ``lidar2ego`` (4, 4; NaN where it is not stated),
        all float64, and ``stated_sizes``, N (height, width) or None.

    Raises:
        KeyError: If a field is absent.
        ValueError: If a field is of another shape, or two contradict each other; names the camera.
    """
    absent = [camera for camera in cameras if camera not in info['images']]
    if absent:
        raise ValueError(f'its images have no {absent}; they have {sorted(info["images"])}')
    cloud = info.get('lidar_points') or {}
    lidar2ego = np.full((4, 4), np.nan)
    if cloud.get('lidar2ego') is not None:
        lidar2ego = read_pose(cloud, 'lidar2ego')
        if lidar_is_ego and np.abs(lidar2ego - np.eye(4)).max() > 1e-6:
            raise ValueError(f'lidar_is_ego is set, and lidar2ego another: {lidar2ego.tolist()}')
    elif lidar_is_ego:
        lidar2ego = np.eye(4)
    rows = []
    for camera in cameras:
        image = info['images'][camera]
        try:
            rows.append(_read_camera(image, lidar2ego, has_lidar=bool(cloud.get('lidar_path'))))
        except KeyError as error:
            raise KeyError(f'{camera}: {error.args[0]}') from error
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(f'{camera}: {error}') from error
    cam2img, cam2ego, lidar2cam, sizes = zip(*rows)
    return dict(
        cam2img=np.stack(cam2img),
        cam2ego=np.stack(cam2ego),
        lidar2cam=np.stack(lidar2cam),
        lidar2ego=lidar2ego,
        stated_sizes=list(sizes),
    )


def read_pose(message: dict, key: str) -> np.ndarray:
    """(4, 4) float64 of a field. Whether it is a rigid motion is checked for all frames at once, by the data set."""
    pose = _matrix(message, key)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise ValueError(f'{key} must be a 4x4 matrix of finite numbers, found {message[key]}')
    return pose


def _matrix(message, key):
    """A field as float64, of whatever shape; numpy takes True for 1."""
    value = message[key]
    if isinstance(value, (list, tuple)) and any(bool in map(type, row) for row in value if isinstance(row, list)):
        raise ValueError(f'{key} must be a matrix of numbers, found {value}')
    return np.asarray(value, dtype=np.float64)


def _read_camera(image, lidar2ego, has_lidar):
    projection = _matrix(image, 'cam2img')
    if projection.shape not in ((3, 3), (3, 4), (4, 4)):
        raise ValueError(f'cam2img must be a 3x3, 3x4 or 4x4 matrix, found shape {projection.shape}')
    cam2img = projection[:3, :3]
    if projection.shape[0] == 4 and (projection[3] != [0, 0, 0, 1]).any():
        raise ValueError(f'cam2img has another last row than 0 0 0 1: {projection.tolist()}')
    if projection.shape[1] == 4 and projection[:3, 3].any():
        # KITTI's P: where its camera is, seen from the one that lidar2cam and cam2ego lead to.
        shift = np.eye(4)
        shift[:3, 3] = np.linalg.solve(cam2img, projection[:3, 3])
    else:
        shift = None
    lidar2cam = cam2ego = None
    if has_lidar or image.get('lidar2cam') is not None:
        lidar2cam = read_pose(image, 'lidar2cam')
        lidar2cam = lidar2cam if shift is None else shift @ lidar2cam
        if image.get('lidar2img') is not None:
            _compare_lidar2img(_matrix(image, 'lidar2img'), cam2img @ lidar2cam[:3])
    if image.get('cam2ego') is not None:
        cam2ego = read_pose(image, 'cam2ego')
        cam2ego = cam2ego if shift is None else cam2ego @ np.linalg.inv(shift)
    elif lidar2cam is None:
        raise KeyError('cam2ego')
    elif np.isnan(lidar2ego).any():
        raise ValueError(
            'it has no cam2ego, and lidar_points no lidar2ego that it could be made with: add one of them, or say '
            f'lidar_is_ego=True where points are in the ego frame (taken so where metainfo names one of {LIDAR_IS_EGO})'
        )
    else:
        cam2ego = lidar2ego @ np.linalg.inv(lidar2cam)
    if lidar2cam is None:
        lidar2cam = np.linalg.inv(cam2ego) @ np.where(np.isnan(lidar2ego), np.eye(4), lidar2ego)
    height, width = (None if image.get(key) is None else int(image[key]) for key in ('height', 'width'))
    return cam2img, cam2ego, lidar2cam, (height, width) if height and width else None


def _compare_lidar2img(stated, made):
    if stated.shape not in ((3, 4), (4, 4)):
        raise ValueError(f'lidar2img must be a 3x4 or 4x4 matrix, found shape {stated.shape}')
    if not np.abs(stated[:3] - made).max() < 1e-3 * np.abs(made).max():
        raise ValueError(f'lidar2img is not cam2img @ lidar2cam: {stated[:3].tolist()} and {made.tolist()}')
