"""What a calibration must satisfy before anything is projected with it.

Every check takes the matrices of any number of frames and cameras at once: an index of 12,650 frames of six cameras is
checked in a fraction of a second.
"""

import numpy as np

#: Largest entry of R R^T - 1. mmdet3d's float32 infos have 7e-8, calibrations that are written with four digits 8e-5.
ROTATION_TOLERANCE = 1e-3
#: Metres between two sensors of a vehicle, with its motion between their times. Cars have up to 3 m, lorries 20.
MAX_DISTANCE = 30.0
#: Metres and degrees that a vehicle moves and turns between exposure and sweep. 0.1 s at 50 m/s are 5 m; nuScenes' keyframe
#: in our tests has 0.4 m.
MAX_MOTION, MAX_TURN = 10.0, 15.0
#: z of an optical axis of length 1 in the ego frame, beyond which no camera of a car looks up.
SKYWARD = 0.85


def find_fault(cam2img, cam2ego, lidar2cam=None, lidar2ego=None):
    """Look for what is not usable in a calibration.

    Args:
        cam2img: (..., N, 3, 3) pinhole intrinsics in pixels; skew is allowed.
        cam2ego: (..., N, 4, 4) camera poses in the vehicle, metres.
        lidar2cam: (..., N, 4, 4), with the vehicle's motion between the sensors' times in it.
        lidar2ego: (..., 4, 4) pose of the LiDAR in the vehicle. NaN where none is stated: there the cameras are compared
            with each other.

    Returns:
        None, or the index (..., n) of the first fault with a sentence that says what is wrong.
    """
    matrices = dict(cam2img=cam2img, cam2ego=cam2ego, lidar2cam=lidar2cam)
    for name, faults in (
        ('cam2img', intrinsics_faults(cam2img)),
        ('cam2ego', pose_faults(cam2ego, MAX_DISTANCE)),
        ('lidar2cam', [] if lidar2cam is None else pose_faults(lidar2cam, MAX_DISTANCE)),
    ):
        for wrong, text in faults:
            if wrong.any():
                index = tuple(np.argwhere(wrong)[0])
                return index, f'{name} {text}: {matrices[name][index].tolist()}'
    return None if lidar2cam is None else _disagreement(cam2ego, lidar2cam, lidar2ego)


def intrinsics_faults(cam2img):
    """Yield pairs of (...,) bool and what is wrong there with (..., 3, 3) intrinsics."""
    finite = np.isfinite(cam2img).all((-1, -2))
    yield ~(finite & (cam2img[..., 0, 0] > 0) & (cam2img[..., 1, 1] > 0)), 'is singular or not finite'
    rest = np.concatenate([cam2img[..., 1:2, 0], cam2img[..., 2, :] - [0, 0, 1]], -1)
    yield np.abs(rest).max(-1) > 1e-6, 'is not [[fx, skew, cx], [0, fy, cy], [0, 0, 1]] (transposed?)'


def pinhole_fault(cam2img, size):
    """What cannot be true of intrinsics in an image, for readers of every format.

    The principal point is inside the image, and not within 1/20 of its border: lenses are centred on their sensors, and a
    crop that leaves so little on one side is not known of any rig. A focal length lies between 1/20 of the image's side
    and 100 of them: a field of view of 169 to 0.6 degrees. fx / fy lies between 1/3 and 3: pixels are nearly square, but
    images may be squeezed to half their width. Skew is below fx / 10: a pixel's sides are at right angles, to 6 degrees.
    A principal point that is off the middle by the same share of width and height, beyond 8 %, is that of an image of
    another size: a crop that moves it so is not known of any rig.

    Args:
        cam2img: (3, 3) in pixels of the image.
        size: (width, height) of the image.

    Returns:
        None, or a sentence.
    """
    (fx, skew, cx), (_, fy, cy), _ = np.asarray(cam2img).tolist()
    width, height = size
    if not (width / 20 < fx < 100 * width and height / 20 < fy < 100 * height):
        return (
            f'fx = {fx:g} and fy = {fy:g} at {width}x{height} are no focal lengths in pixels; of a lens with f '
            'millimetres and a sensor of w millimetres it is f / w times the width'
        )
    if not 1 / 3 < fx / fy < 3:
        return f'fx = {fx:g} and fy = {fy:g} differ too much: is one of them a principal point?'
    if not abs(skew) < fx / 10:
        return f'skew = {skew:g} at fx = {fx:g} is no angle between the sides of a pixel'
    off_centre = abs(cx / width - 0.5), abs(cy / height - 0.5)
    swapped = abs(cy / width - 0.5), abs(cx / height - 0.5)
    looks_swapped = max(swapped) < 0.05 < 0.1 < max(off_centre)
    if looks_swapped or not max(off_centre) < 0.45:
        hint = '; they look swapped' if looks_swapped or (0 < cy < width and 0 < cx < height) else ''
        place = 'far from the middle of' if max(off_centre) < 0.5 else 'outside'
        return f'the principal point cx = {cx:g}, cy = {cy:g} is {place} the image of {width}x{height}{hint}'
    scale = cx / width + cy / height
    if abs(scale - 1) > 0.16 and abs(cx / width - cy / height) < 0.03:
        return (
            f'the principal point cx = {cx:g}, cy = {cy:g} is off the middle of {width}x{height} as if these were intrinsics '
            f'of images of about {scale * width:.0f}x{scale * height:.0f}; fx, fy, cx and cy times {1 / scale:.3g} would be '
            'of this size'
        )


def pose_faults(a2b, max_distance: float = np.inf):
    """Yield pairs of (...,) bool and what is wrong there with (..., 4, 4) rigid transforms in metres."""
    rotation = a2b[..., :3, :3]
    yield ~np.isfinite(a2b).all((-1, -2)), 'is not finite'
    yield np.abs(a2b[..., 3, :] - [0, 0, 0, 1]).max(-1) > 1e-6, 'has another last row than 0 0 0 1 (transposed?)'
    # einsum: in BLAS thousands of tiny matrices wait for its threads.
    error = np.einsum('...ij,...kj->...ik', rotation, rotation) - np.eye(3)
    yield np.abs(error).max((-1, -2)) > ROTATION_TOLERANCE, 'holds no rotation'
    yield (
        np.einsum('...i,...i->...', np.cross(rotation[..., 0], rotation[..., 1]), rotation[..., 2]) < 0,
        ('holds a reflection (its determinant is -1)'),
    )
    far = np.linalg.norm(a2b[..., :3, 3], axis=-1)
    yield far > max_distance, f'puts two sensors of a vehicle more than {max_distance:g} m apart (not in metres?)'


def looks_at_the_sky(cam2ego):
    """Where the z axis of (..., 4, 4) poses points up in a frame with z up, and what that means.

    Returns:
        tuple: (...,) bool and a sentence.
    """
    return cam2ego[..., 2, 2] > SKYWARD, (
        'looks at the sky. Is this the pose of a frame with x forward (ROS: camera_link) in place of the optical one with z '
        'forward, or is the ego frame that of a camera? x forward, y left and z up is needed there'
    )


def _disagreement(cam2ego, lidar2cam, lidar2ego):
    """Whether cam2ego @ lidar2cam puts the LiDAR where it is stated to be, or all cameras put it to one place."""
    found = np.einsum('...ij,...jk->...ik', cam2ego, lidar2cam)
    first = found[..., :1, :, :]
    stated = np.full_like(first, np.nan) if lidar2ego is None else np.asarray(lidar2ego)[..., None, :, :]
    known = np.isfinite(stated).all((-1, -2), keepdims=True)
    expected = np.where(known, stated, first)
    apart = _first_apart(found, expected)
    if apart is None:
        return None
    index, distance = apart
    where = 'its lidar2ego says' if known[index[:-1]].all() else 'those of the first camera do'
    return index, (
        f'cam2ego and lidar2cam put the LiDAR {distance} from where {where}; '
        f'a vehicle moves less than {MAX_MOTION:g} m and {MAX_TURN:g} degrees between exposure and sweep. One of them is '
        'inverted, or of another sensor'
    )


def find_fault_in_world(cam2ego, cam2world):
    """Whether all cameras of a frame put the vehicle to one place of the world. Of one camera nothing can be said.

    Args:
        cam2ego, cam2world: (..., N, 4, 4) rigid poses, each camera's in the world at its own time.

    Returns:
        As :func:`find_fault`.
    """
    # The vehicle's place, not the world's origin seen from it: at tens of kilometres a degree would be hundreds of metres.
    ego2world = np.zeros_like(cam2world)
    rotation = ego2world[..., :3, :3] = np.einsum('...ij,...kj->...ik', cam2world[..., :3, :3], cam2ego[..., :3, :3])
    ego2world[..., :3, 3] = cam2world[..., :3, 3] - np.einsum('...ij,...j->...i', rotation, cam2ego[..., :3, 3])
    apart = _first_apart(ego2world, ego2world[..., :1, :, :])
    if apart is None:
        return None
    index, distance = apart
    return index, (
        f'ori_cam2world and cam2ego put the vehicle {distance} from where those of the first camera do; between the '
        f"exposures of a frame it moves less than {MAX_MOTION:g} m and {MAX_TURN:g} degrees. Is a camera's pose in the world "
        "inverted, or the vehicle's own in its place?"
    )


def _first_apart(found, expected):
    """Index of the first of (..., 4, 4) poses that are farther apart than a vehicle moves, and how far; or None."""
    moved = np.linalg.norm(found[..., :3, 3] - expected[..., :3, 3], axis=-1)
    cosine = (np.einsum('...ij,...ij->...', found[..., :3, :3], expected[..., :3, :3]) - 1) / 2
    turned = np.degrees(np.arccos(cosine.clip(-1, 1)))
    wrong = (moved > MAX_MOTION) | (turned > MAX_TURN)
    if wrong.any():
        index = tuple(np.argwhere(wrong)[0])
        return index, f'{moved[index]:.1f} m and {turned[index]:.0f} degrees'
