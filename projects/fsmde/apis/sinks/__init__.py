"""Where results go: each sink is given :class:`fsmde.apis.DepthResult`, one after the other."""

from .base import Sink
from .clouds import BirdsEyeViews, PointClouds
from .depth_maps import DepthMaps
from .panels import Panels
from .recording import McapRecording
from .video import Video
from .viewer import Viewer

__all__ = ['BirdsEyeViews', 'DepthMaps', 'McapRecording', 'Panels', 'PointClouds', 'Sink', 'Video', 'Viewer']
