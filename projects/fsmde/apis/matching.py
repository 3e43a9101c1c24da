"""Which images of cameras at different rates belong together."""

import logging

import numpy as np
from mmengine.logging import print_log

#: Nanoseconds between the images of one frame where a camera has only one.
ONE_FRAME = 50_000_000


def half_period(times) -> float:
    """Half the median step between a camera's images, which come in any order; nanoseconds."""
    steps = np.diff(np.sort(times))
    return float(np.median(steps)) / 2 if len(steps) else ONE_FRAME


def match_times(times: dict, tolerance: int, clock: str = None) -> list:
    """For each image of one camera, the nearest images of the others.

    Args:
        times: Nanoseconds of each camera's images, by camera name, in any order.
        tolerance: Nanoseconds; an image farther from the frame's time than this is not of the frame.
        clock: Camera whose images make the frames; by default the one with the most, the first named of equal ones.

    Returns:
        One dict a frame, in the order of time: index into ``times[camera]`` by camera, without the cameras that have no
        image within the tolerance. Of two equally near images the earlier is taken. Of a camera that is in no frame, as one
        that does not share the others' clock, a warning says so.

    Raises:
        ValueError: If there is no image, or two images of a camera have one time; names the camera.
    """
    if not any(len(values) for values in times.values()):
        raise ValueError(f'no camera of {list(times)} has an image')
    clock = clock or max(times, key=lambda camera: len(times[camera]))
    ordered = {}
    for camera, values in times.items():
        values = np.asarray(values, dtype=np.int64)
        order = np.argsort(values, kind='stable')
        same = np.flatnonzero(np.diff(values[order]) == 0)
        if len(same):
            raise ValueError(f'camera {camera}: two images have the time {values[order][same[0]]} ns')
        if len(values):
            ordered[camera] = values[order], order
    frames, off = [], dict.fromkeys(ordered, np.inf)
    for number, now in zip(ordered[clock][1], ordered[clock][0]):
        frame = {}
        for camera, (values, order) in ordered.items():
            after = int(np.searchsorted(values, now))
            near = min(
                (i for i in (after - 1, after) if 0 <= i < len(values)), key=lambda i: abs(int(values[i] - now))
            )
            distance = abs(int(values[near] - now))
            off[camera] = min(off[camera], distance)
            if distance <= tolerance:
                frame[camera] = int(order[near])
        frame[clock] = int(number)
        frames.append({camera: frame[camera] for camera in times if camera in frame})
    for camera, nearest in off.items():
        if nearest > tolerance and camera != clock:
            print_log(
                f'camera {camera} is in none of the {len(frames)} frames: its image nearest to one of {clock} is '
                f'{nearest / 1e9:.3f} s off, farther than the tolerance of {tolerance / 1e9:.3f} s; do they share a clock?',
                'current',
                logging.WARNING,
            )
    return frames
