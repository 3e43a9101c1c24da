"""A film of panels."""

import cv2

from fsmde.image_files import load_image
from fsmde.output_files import replace_when_written

from ..result import DepthResult
from .base import Sink
from .panels import Panels


class Video(Sink):
    """An ``.mp4`` of the panels, written from their files at the end, so that a stopped run can go on.

    Args:
        path: File to write.
        panels: The sink that writes the panels.
        fps: Frames a second.
    """

    def __init__(self, path, panels: Panels, fps: float = 10.0):
        self.path, self.panels, self.fps, self.names = path, panels, fps, []

    def saw(self, name: str) -> None:
        """See :meth:`Sink.saw`."""
        self.names.append(name)

    def write(self, result: DepthResult) -> None:
        """See :meth:`Sink.write`."""

    def close(self) -> None:
        """Write the film.

        Raises:
            ValueError: If OpenCV has no encoder for it.
        """
        if not self.names:
            return
        height, width = (side - side % 2 for side in load_image(self.panels.path(self.names[0])).shape[:2])
        with replace_when_written(self.path) as temporary:
            # OpenCV goes by the ending.
            film = temporary.with_suffix('.mp4')
            try:
                writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*'mp4v'), self.fps, (width, height))
                if not writer.isOpened():
                    raise ValueError(f'OpenCV cannot write {self.path}: it has no encoder for mp4 ({width}x{height})')
                for name in self.names:
                    writer.write(cv2.resize(load_image(self.panels.path(name)), (width, height)))
                writer.release()
                film.replace(temporary)
            finally:
                film.unlink(missing_ok=True)
