"""ROS: ``camera_info`` files; where the cameras are, see ros_frames.py."""

from pathlib import Path

import numpy as np

from fsmde.lenses import EquidistantLens, Lens, PlumbBobLens, RationalLens
from fsmde.plain_data import read_yaml
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from .common import HALF_PIXEL, reading
from .ros_frames import pose_of, poses_in, take_place

#: sensor_msgs/distortion_models.hpp, and what drivers write besides.
EQUIDISTANT = ('equidistant', 'fisheye')
PLUMB_BOB = ('plumb_bob', 'rational_polynomial', 'radtan')


def camera_of_info(
    name: str,
    size: tuple,
    K,
    D=(),
    distortion_model: str = '',
    R=None,
    P=None,
    rectified: bool = False,
    cam2ego: np.ndarray = None,
) -> RigCamera:
    """A camera of what a sensor_msgs/CameraInfo says.

    Args:
        size: (width, height).
        K, R, P: (9,), (9,) and (12,) numbers, row by row.
        D, distortion_model: Coefficients, and the model's name. As OpenCV has it, eight coefficients are the rational model
            whatever the name says.
        rectified: Of the rectified images (``image_rect``), which P describes, not of the original ones.
        cam2ego: (4, 4) pose of the camera's optical frame, or None.

    Raises:
        ValueError: If the model is unknown, or K or P are absent.
    """
    if rectified:
        P = np.reshape(P if P is not None and np.any(P) else np.full(12, np.nan), (3, 4))
        if cam2ego is not None and R is not None and np.any(R):
            turned = np.eye(4)
            turned[:3, :3] = np.reshape(R, (3, 3)).T
            cam2ego = cam2ego @ turned
        return RigCamera(name, size, P[:, :3] + HALF_PIXEL, cam2ego=cam2ego)
    return RigCamera(name, size, np.reshape(K, (3, 3)) + HALF_PIXEL, _lens(name, D, distortion_model), cam2ego)


def _lens(name, D, model):
    D = [float(value) for value in D]
    if not any(D) and model not in EQUIDISTANT:
        return Lens()
    if model in EQUIDISTANT:
        return EquidistantLens((D + [0.0] * 4)[:4] if len(D) <= 4 else D)
    if model not in PLUMB_BOB:
        raise ValueError(
            f'camera {name}: distortion_model {model!r} is unknown; there are {[*PLUMB_BOB, *EQUIDISTANT]}, or take the '
            'rectified images'
        )
    return RationalLens(D) if len(D) >= 8 else PlumbBobLens(D)


def rig_from_ros(
    camera_infos, trees=(), ego_frame: str = 'base_link', rectified: bool = False, frames: dict = None
) -> RigFile:
    """The rig of ``camera_info`` yaml files and yaml files of static transforms.

    Args:
        camera_infos: Files as ``camera_calibration`` and ``camera_info_manager`` write them, or with the fields of a
            CameraInfo message; or ``{name: file}``.
        trees: Files of transforms: ``parent: {child: {x, y, z, roll, pitch, yaw}}`` (Autoware; metres and radians), or
            geometry_msgs/TransformStamped messages (one, or a list, also under ``transforms``). Without any there are no
            poses.
        ego_frame: Frame of the vehicle: x forward, y left, z up.
        rectified: See :func:`camera_of_info`.
        frames: Frame of a camera by its name, where it is not found: of the frames that begin with the camera's name, one
            with ``optical`` in its name, else one that ends in ``camera_link``, else the one that is called as the camera.
            Those that end in ``_link`` and are not called optical are body frames (x forward), as REP 103 has it.

    Raises:
        FileNotFoundError, ValueError: If a file or field is absent or not as the formats have it, or two cameras have one
            pose; names file and camera.
    """
    named = isinstance(camera_infos, dict)
    items = camera_infos.items() if named else [(None, file) for file in camera_infos]
    poses = poses_in(trees, ego_frame) if trees else None
    cameras, taken = [], {}
    for name, file in items:
        content = read_yaml(file)
        with reading(file, 'camera_info files'):
            info = _fields(content)
            stated, frame = info.pop('name'), info.pop('frame')
            name = name or stated or Path(file).stem
            pose = None
            if poses is not None:
                pose = pose_of(name, poses, (frames or {}).get(name), frame)
                take_place(name, pose, taken)
            cameras.append(camera_of_info(name, rectified=rectified, cam2ego=pose, **info))
    return RigFile(cameras, f'from ROS camera_info files, {"rectified" if rectified else "original"} images')


def _fields(content):
    """The arguments of :func:`camera_of_info` of a file's content, ``name`` and ``frame``."""
    if 'camera_matrix' in content:
        matrix = {key: content.get(key, {}).get('data') for key in ('rectification_matrix', 'projection_matrix')}
        return dict(
            name=content.get('camera_name'),
            frame=None,
            size=(content['image_width'], content['image_height']),
            K=content['camera_matrix']['data'],
            D=content['distortion_coefficients']['data'],
            distortion_model=content['distortion_model'],
            R=matrix['rectification_matrix'],
            P=matrix['projection_matrix'],
        )
    return fields_of_message(content)


def fields_of_message(content: dict) -> dict:
    """The arguments of :func:`camera_of_info` of a CameraInfo message's fields, ``name`` and ``frame``.

    Raises:
        ValueError: If the images are binned or a region of the sensor's.
    """
    # ROS 1 has upper-case names, ROS 2 lower-case ones.
    message = {key.lower(): value for key, value in content.items()}
    if any(message.get(key) not in (None, 0, 1) for key in ('binning_x', 'binning_y')):
        raise ValueError('binned images: binning_x and binning_y other than 1 are not supported')
    # 0 and the full size both mean the whole image.
    whole = dict(x_offset=(0,), y_offset=(0,), width=(0, message['width']), height=(0, message['height']))
    if any((message.get('roi') or {}).get(key, 0) not in values for key, values in whole.items()):
        raise ValueError('images of a region (roi) are not supported')
    frame = (message.get('header') or {}).get('frame_id')
    return dict(
        name=frame,
        frame=frame,
        size=(message['width'], message['height']),
        K=message['k'],
        D=message['d'],
        distortion_model=message['distortion_model'],
        R=message.get('r'),
        P=message.get('p'),
    )
