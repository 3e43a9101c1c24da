"""A video for each camera."""

import logging
from pathlib import Path

import cv2
import numpy as np
from mmengine.logging import print_log

from ..frame import Frame
from ..matching import half_period, match_times
from .base import Source
from .image_folders import by_camera, shown

VIDEO_ENDINGS = ('.mp4', '.avi', '.mkv', '.mov', '.m4v', '.webm')


class Videos(Source):
    """One video file a camera, all of which begin at the same moment.

    Each is gone through once for the times of its pictures, since rates vary and a header may count pictures that are not
    there. The video of the highest rate makes the frames; of the others the nearest picture is taken, if it is near enough.

    Args:
        videos: A folder of videos named after their cameras, or ``{camera: path}``.
        tolerance: Seconds; by default half a period of the highest rate.
        clock: Camera whose pictures make the frames.

    Raises:
        FileNotFoundError, ValueError: If a video is absent, cannot be read or states a turn, or a camera has two; names it.
    """

    def __init__(self, videos, tolerance: float = None, clock: str = None):
        files = videos if isinstance(videos, dict) else self.files_in(Path(videos))
        if not files:
            raise ValueError(f'{videos} holds no video ({", ".join(VIDEO_ENDINGS)})')
        self.files = {camera: Path(path) for camera, path in files.items()}
        self.cameras = tuple(self.files)
        times = {camera: _times(path, self._open(path)) for camera, path in self.files.items()}
        if clock is not None and clock not in self.files:
            raise ValueError(f'there is no video of the clock {clock!r}; there are {list(self.files)}')
        # A single picture has no rate.
        self.clock = clock or min(times, key=lambda camera: (len(times[camera]) == 1, half_period(times[camera])))
        tolerance = half_period(times[self.clock]) if tolerance is None else tolerance * 1e9
        self.times, self.indices = times, match_times(times, round(tolerance), self.clock)

    @staticmethod
    def files_in(folder: Path) -> dict:
        """The videos of a folder by the name of their camera."""
        return by_camera(path for path in shown(folder) if path.suffix.lower() in VIDEO_ENDINGS)

    @staticmethod
    def _open(path):
        if not path.is_file():
            raise FileNotFoundError(f'no video at {path}')
        capture = cv2.VideoCapture(str(path))
        if not capture.isOpened():
            raise ValueError(f'{path} is no video that OpenCV can read')
        # As of images: programs differ in whether they turn them, and half a turn keeps even the size.
        turned = capture.get(cv2.CAP_PROP_ORIENTATION_META) % 360
        if turned:
            raise ValueError(
                f'{path} states that its pictures are to be turned by {turned:g} degrees, which programs do or do not, and '
                'its calibration may belong to either; store the pixels in the order it belongs to, and no turn '
                f'(`ffmpeg -i {path.name} NEW.mp4` turns them)'
            )
        return capture

    def __len__(self):
        return len(self.indices)

    def __iter__(self):
        readers = {camera: _Reader(camera, path, self._open(path)) for camera, path in self.files.items()}
        for number, indices in enumerate(self.indices):
            images = {camera: readers[camera].read(i) for camera, i in indices.items()}
            times = {camera: self.times[camera][i] for camera, i in indices.items()}
            missing = tuple(camera for camera in self.cameras if camera not in images)
            yield Frame(f'{number:06d}', images, times[self.clock], times, missing)
        for reader in readers.values():
            reader.capture.release()


def _times(path, capture):
    """Nanoseconds of a video's pictures after its first one."""
    rate, count = capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    times = []
    while capture.grab():
        times.append(round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6))
    capture.release()
    if not times:
        raise ValueError(f'{path} has no picture that OpenCV can decode')
    if len(times) < count:
        print_log(f'{path} states {count} pictures, {len(times)} can be decoded', 'current', logging.WARNING)
    if (np.diff(times) > 0).all():
        return [time - times[0] for time in times]
    if not rate > 0:
        raise ValueError(f'{path} states neither times of its pictures nor a rate')
    print_log(f'{path} has pictures of one time: they are taken to be {rate:g} a second', 'current', logging.WARNING)
    return [round(k * 1e9 / rate) for k in range(len(times))]


class _Reader:
    """Pictures of one video by their number, which never goes back."""

    def __init__(self, camera, path, capture):
        self.camera, self.path, self.capture, self.at, self.image = camera, path, capture, -1, None

    def read(self, number):
        while self.at < number:
            done, image = self.capture.read()
            if not done:
                raise ValueError(f'camera {self.camera}: {self.path} ends or is broken at its frame {self.at + 1}')
            self.at, self.image = self.at + 1, image
        return self.image
