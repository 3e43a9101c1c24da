"""Fields of TRI's DGP format, as dgp/proto/{sample,geometry,image,point_cloud}.proto define them.

Numbers that are 0 and texts that are empty may be absent: proto3 leaves them out of its JSON.
"""

from contextlib import contextmanager
from itertools import chain

import numpy as np

from fsmde.lenses import EquidistantLens, Lens, PlumbBobLens, RationalLens
from fsmde.poses import quaternion_to_matrix

DISTORTION_FIELDS = ('k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'p1', 'p2')
#: Fields of lenses that are not known here, and what they are of. ``xi`` is that of the double sphere, not of MEI.
OTHER_LENSES = dict(
    **dict.fromkeys(('s1', 's2', 's3', 's4'), 'a thin prism'),
    **dict.fromkeys(('taux', 'tauy'), 'a tilted sensor'),
    **dict.fromkeys(('alpha', 'beta'), 'the models UCM and EUCM'),
    w='the FOV model',
    xi='the double sphere model',
    equirectangular='the equirectangular projection',
)
QUATERNION = ('qw', 'qx', 'qy', 'qz')
PINHOLE_FIELDS = ('fx', 'fy', 'cx', 'cy', 'skew')
#: PointCloud.ChannelType, by number.
CHANNELS = tuple(
    'X Y Z INTENSITY R G B RING NORMAL_X NORMAL_Y NORMAL_Z CLASS_ID INSTANCE_ID TIMESTAMP'.split()
)  # fmt: skip


@contextmanager
def reading(path: str):
    """Turn the absence of a field of a DGP file, or another type in its place, into an error that names the file."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{path} is not in DGP format: {type(error).__name__}: {error}') from error


def read_number(message: dict, key: str, where: str) -> float:
    """A field of a message; 0 where it is left out.

    Raises:
        ValueError: If it is no finite number; names ``where`` and the field.
    """
    value = message.get(key, 0.0)
    try:
        number = np.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f'{where}: {key} must be a number, found {value!r}')
    return number


def read_camera(intrinsics: dict, where: str):
    """A CameraIntrinsics message.

    ``fov`` is not read: it repeats what fx and the width of the image say, in a unit that is nowhere defined. What
    ``fisheye`` means is as Parallel Domain, from whom DGP has the lens fields, reads it: 0 is OpenCV's pinhole with
    distortion, 1 its fisheye, more are their own tables.

    Returns:
        (3, 3) float64 cam2img, and its :class:`fsmde.lenses.Lens`.

    Raises:
        ValueError: If a number is none, or the lens is not known; names ``where`` and the field.
    """
    known = {*PINHOLE_FIELDS, *DISTORTION_FIELDS, *OTHER_LENSES, 'fov', 'fisheye'}
    unknown = {key for key, value in intrinsics.items() if value} - known
    if unknown:
        raise ValueError(
            f'{where}: unknown fields {sorted(unknown)}; the intrinsics of DGP (dgp/proto/geometry.proto) do not have them'
        )
    # fisheye and equirectangular are numbers by the definition, and may come as flags.
    flags = {
        key: float(value) for key in ('fisheye', 'equirectangular') if isinstance(value := intrinsics.get(key), bool)
    }
    values = {key: flags[key] if key in flags else read_number(intrinsics, key, where) for key in known - {'fov'}}
    other = {key: values[key] for key in OTHER_LENSES if values[key]}
    if other:
        of = dict.fromkeys(OTHER_LENSES[key] for key in other)
        raise ValueError(
            f'{where}: its lens is not known here: {other}, of {" and ".join(of)}. Undistort the images first, and leave '
            'these at 0'
        )
    k1, k2, k3, k4, k5, k6, p1, p2 = (values[key] for key in DISTORTION_FIELDS)
    if values['fisheye'] == 1:
        if any((k5, k6, p1, p2)):
            raise ValueError(
                f"{where}: its lens is not known here: a fisheye (OpenCV's) has k1, k2, k3, k4 and no more"
            )
        lens = EquidistantLens((k1, k2, k3, k4))
    elif values['fisheye']:
        raise ValueError(
            f'{where}: its lens is not known here: fisheye = {values["fisheye"]:g}, expected 0 or 1; more are tables of '
            'Parallel Domain'
        )
    elif k4 or k5 or k6:
        lens = RationalLens((k1, k2, p1, p2, k3, k4, k5, k6))
    else:
        lens = PlumbBobLens((k1, k2, p1, p2, k3)) if any((k1, k2, k3, p1, p2)) else Lens()
    fx, fy, cx, cy, skew = (values[key] for key in PINHOLE_FIELDS)
    return np.array([[fx, skew, cx], [0, fy, cy], [0, 0, 1]]), lens


def read_poses(poses: list, names: list, path: str) -> np.ndarray:
    """(P, 4, 4) float64 matrices of Pose messages, metres.

    Args:
        names: P names of what has these poses, for errors.

    Raises:
        ValueError: If one is no rigid motion; names the file and what has the pose.
    """
    try:
        translations = [[pose.get('translation', {}).get(key, 0.0) for key in 'xyz'] for pose in poses]
        quaternions = [[pose.get('rotation', {}).get(key, 0.0) for key in QUATERNION] for pose in poses]
        matrices = quaternion_to_matrix(np.reshape(translations, (-1, 3)), np.reshape(quaternions, (-1, 4)))
        if bool in map(type, chain(*translations, *quaternions)):  # numpy takes true for 1.
            raise ValueError
    except ValueError:
        matrices = np.nan
    if np.isfinite(matrices).all():
        return matrices
    return np.array([_read_pose(pose, f'{path}: pose of {name}') for pose, name in zip(poses, names)])


def _read_pose(pose, where):
    """One pose by itself, to say which is wrong: numpy takes as long for it as for all of a scene."""
    translation = [read_number(pose.get('translation', {}), key, where) for key in 'xyz']
    quaternion = [read_number(pose.get('rotation', {}), key, where) for key in QUATERNION]
    try:
        return quaternion_to_matrix(translation, quaternion)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from error


def read_size(image: dict, where: str):
    """(height, width) that an Image message states, None where it states none.

    Raises:
        ValueError: If only one of them is stated.
    """
    size = tuple(int(read_number(image, key, where)) for key in ('height', 'width'))
    if (size[0] > 0) != (size[1] > 0):
        raise ValueError(f'{where}: height and width must both be stated or both be left out, found {size}')
    return size if size[0] > 0 else None


def read_point_format(cloud: dict, where: str):
    """What a PointCloud message says of the columns of its file.

    Returns:
        The number of columns and (3,) which of them are x, y and z; None where it says nothing.

    Raises:
        ValueError: If x, y or z is not among the columns, or is there twice.
    """
    stated = [
        [
            CHANNELS[name] if isinstance(name, int) and 0 <= name < len(CHANNELS) else str(name).upper()
            for name in names
        ]
        for names in (cloud.get('point_format'), cloud.get('point_fields'))
        if names
    ]
    if not stated:
        return None
    names = stated[0]
    if any(other != names for other in stated) or any(names.count(axis) != 1 for axis in 'XYZ'):
        raise ValueError(
            f'{where}: point_format must name X, Y and Z once (and point_fields the same), found {stated}'
        )
    return len(names), [names.index(axis) for axis in 'XYZ']


def through_world(a2world, b2world) -> np.ndarray:
    """(..., 4, 4) float64 a2b = inverse(b2world) @ a2world of two rigid poses in metres.

    World coordinates reach tens of kilometres: the translations are subtracted first.
    """
    # einsum: in BLAS a thousand tiny matrices wait for its threads.
    world2b = b2world[..., :3, :3].swapaxes(-1, -2)
    a2b = np.zeros(np.broadcast_shapes(a2world.shape, b2world.shape))
    a2b[..., :3, :3] = np.einsum('...ij,...jk->...ik', world2b, a2world[..., :3, :3])
    a2b[..., :3, 3] = np.einsum('...ij,...j->...i', world2b, a2world[..., :3, 3] - b2world[..., :3, 3])
    a2b[..., 3, 3] = 1
    return a2b
