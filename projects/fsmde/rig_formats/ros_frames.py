"""ROS: the static transforms between frames, and which of them a camera's is."""

import numpy as np

from fsmde.plain_data import brief, read_yaml
from fsmde.poses import euler_to_matrix, quaternion_to_matrix

from .common import reading

#: Axes of an optical frame (x right, y down, z forward) in a body frame (x forward, y left, z up): REP 103.
OPTICAL = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def poses_in(trees, ego_frame: str) -> dict:
    """(4, 4) poses in the ego frame of all frames that yaml files of static transforms connect with it.

    Raises:
        FileNotFoundError, ValueError: If a file is absent or no such file, a frame has two parents, or no frame is connected
            with the ego frame.
    """
    transforms = []
    for file in trees:
        content = read_yaml(file)
        with reading(file, 'static transforms'):
            transforms.extend(_transforms(content))
    return poses_of(transforms, ego_frame)


def poses_of(transforms, ego_frame: str) -> dict:
    """(4, 4) poses in the ego frame of all frames that transforms connect with it.

    Args:
        transforms: (parent, child, (4, 4) pose of the child in the parent).
        ego_frame: Frame of the vehicle.

    Raises:
        ValueError: If a frame has two parents or poses, or no frame is connected with the ego frame.
    """
    parents = {}
    for parent, child, pose in transforms:
        if child in parents and not (parents[child][0] == parent and np.allclose(parents[child][1], pose)):
            raise ValueError(
                f'frame {child} is there twice, with different poses or in {parents[child][0]} and {parent}'
            )
        parents[child] = parent, pose
    poses = {ego_frame: np.eye(4)}
    # A tree that the ego frame is not the root of is climbed in both directions.
    while True:
        found = {child: poses[p] @ pose for child, (p, pose) in parents.items() if p in poses and child not in poses}
        found.update(
            {p: poses[c] @ np.linalg.inv(pose) for c, (p, pose) in parents.items() if c in poses and p not in poses}
        )
        if not found:
            break
        poses.update(found)
    if len(poses) == 1:
        known = sorted({*parents, *(parent for parent, _ in parents.values())})
        raise ValueError(f'no frame is connected with {ego_frame!r}; name the ego frame, there are {known[:30]}')
    return poses


def _transforms(content):
    if isinstance(content, list) or 'transforms' in content:
        for entry in content if isinstance(content, list) else content['transforms']:
            yield from _transforms(entry)
    elif 'child_frame_id' in content:
        translation, rotation = content['transform']['translation'], content['transform']['rotation']
        t, q = [translation[key] for key in 'xyz'], [rotation[key] for key in 'wxyz']
        yield stamped(content['header']['frame_id'], content['child_frame_id'], t, q)
    else:
        for parent, children in content.items():
            for child, pose in children.items():
                if not isinstance(pose, dict):
                    raise ValueError(f'frame {child}: expected x, y, z, roll, pitch, yaw, found {brief(pose)}')
                angles = [float(pose[key]) for key in ('roll', 'pitch', 'yaw')]
                yield parent, child, euler_to_matrix([float(pose[key]) for key in 'xyz'], angles)


def stamped(parent: str, child: str, translation, quaternion) -> tuple:
    """What :func:`poses_of` takes of a TransformStamped, whose quaternion is w, x, y, z here.

    Raises:
        ValueError: If it is no rotation; names the frame.
    """
    try:
        return parent, child, quaternion_to_matrix(translation, quaternion)
    except ValueError as error:
        raise ValueError(f'frame {child} in {parent}: {error}') from error


def pose_of(name: str, poses: dict, frame: str = None, stated: str = None) -> np.ndarray:
    """(4, 4) pose of a camera's optical frame.

    Args:
        name: Of the camera.
        poses: What :func:`poses_in` or :func:`poses_of` returns.
        frame: The camera's frame, or None to look for it, see :func:`rig_from_ros`.
        stated: Frame that its calibration states, taken if no frame of ``poses`` is called as the camera.

    Raises:
        ValueError: If no transform leads to the frame; names the camera.
    """
    if frame is None:
        mine = [other for other in poses if other == name or other.startswith((f'{name}/', f'{name}_'))]
        ranked = [
            *(other for other in mine if 'optical' in other),
            *(other for other in mine if other.endswith('camera_link')),
            *(other for other in (stated, name, *mine) if other in poses),
        ]
        frame = ranked[0] if ranked else None
    if frame not in poses:
        raise ValueError(f'camera {name}: no transform leads to its frame ({frame}); there are {sorted(poses)}')
    body = frame.endswith('_link') and 'optical' not in frame
    return poses[frame] @ OPTICAL if body else poses[frame]


def take_place(name: str, pose: np.ndarray, taken: dict) -> None:
    """Note a camera's (4, 4) pose in ``taken``, poses by name, where no other camera has it.

    Each camera has an optical frame of its own (sensor_msgs/CameraInfo). But drivers of stereo pairs may give both the left
    one's, with the right one's place in P alone, and one camera may be there twice, such as raw and rectified.

    Raises:
        ValueError: If another has it; names both.
    """
    for other, theirs in taken.items():
        if np.allclose(pose, theirs, atol=1e-6):
            raise ValueError(
                f'cameras {other} and {name} have one pose. If they are one camera, leave one of them out; else they need '
                'frames of their own, or a rig file: what P says of the place of the right one of a stereo pair is not read'
            )
    taken[name] = pose
