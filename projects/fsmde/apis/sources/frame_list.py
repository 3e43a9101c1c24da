"""Frames that the caller has already."""

from ..frame import Frame
from .base import Source


class FrameList(Source):
    """Frames given as such.

    Args:
        frames: One frame or a list of frames, each ``{camera: path or array}`` (arrays (H, W, 3) uint8 BGR) or a
            :class:`Frame`. A camera that only some frames have is missing in the others.

    Raises:
        ValueError: If there is no frame or one has no image.
    """

    def __init__(self, frames):
        frames = [frames] if isinstance(frames, (dict, Frame)) else list(frames)
        if not frames:
            raise ValueError('the list of frames is empty')
        self.frames = [
            frame if isinstance(frame, Frame) else Frame(f'{number:06d}', dict(frame))
            for number, frame in enumerate(frames)
        ]
        for frame in self.frames:
            if not frame.images:
                raise ValueError(f'frame {frame.name} has no image')
        self.cameras = tuple(dict.fromkeys(camera for frame in self.frames for camera in frame.images))
        for frame in self.frames:
            frame.missing = tuple(camera for camera in self.cameras if camera not in frame.images)

    def __len__(self):
        return len(self.frames)

    def __iter__(self):
        return iter(self.frames)
