"""What the cameras see together: clouds and pictures from above."""

from fsmde.output_names import output_path
from fsmde.visualization import draw_birds_eye, write_ply
from fsmde.visualization.frames import write_jpeg

from ..result import DepthResult
from .base import Sink


class PointClouds(Sink):
    """``<folder>/<frame>.ply``: the coloured points of all cameras in the ego frame, metres. Needs poses.

    Args:
        folder: Where to.
        max_depth: Farther pixels, in metres, give no point.
        min_confidence: Less sure pixels give no point.
    """

    def __init__(self, folder, max_depth: float = 80.0, min_confidence: float = 0.0):
        self.folder, self.max_depth, self.min_confidence = folder, max_depth, min_confidence

    def write(self, result: DepthResult) -> None:
        """See :meth:`Sink.write`."""
        write_ply(self.files(result.name, ())[0], *result.points(self.max_depth, self.min_confidence))

    def files(self, name: str, cameras: tuple) -> list:
        """See :meth:`Sink.files`."""
        return [f'{output_path(self.folder, name)}.ply']


class BirdsEyeViews(Sink):
    """``<folder>/<frame>.jpg``: the cloud from above. Needs poses.

    Args:
        folder, max_depth, min_confidence: See :class:`PointClouds`.
        extent: Metres from the car to the picture's edges.
    """

    def __init__(self, folder, max_depth: float = 80.0, min_confidence: float = 0.0, extent: float = 50.0):
        self.folder, self.max_depth, self.min_confidence, self.extent = folder, max_depth, min_confidence, extent

    def write(self, result: DepthResult) -> None:
        """See :meth:`Sink.write`."""
        points, colors = result.points(self.max_depth, self.min_confidence)
        write_jpeg(self.files(result.name, ())[0], draw_birds_eye(points, colors, extent=self.extent))

    def files(self, name: str, cameras: tuple) -> list:
        """See :meth:`Sink.files`."""
        return [f'{output_path(self.folder, name)}.jpg']
