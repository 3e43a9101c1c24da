"""Pictures of the cameras and their depth, one file a frame."""

import numpy as np

from fsmde.output_names import output_path
from fsmde.visualization import draw_panel, ring_order
from fsmde.visualization.frames import write_jpeg

from ..result import DepthResult
from .base import Sink


class Panels(Sink):
    """``<folder>/<frame>.jpg``: all cameras side by side, image over depth.

    Args:
        folder: Where to.
        max_depth: End of the colour scale in metres.
    """

    def __init__(self, folder, max_depth: float = 80.0):
        self.folder, self.max_depth = folder, max_depth

    def path(self, name: str) -> str:
        """The file of a frame."""
        return f'{output_path(self.folder, name)}.jpg'

    def write(self, result: DepthResult) -> None:
        """See :meth:`Sink.write`."""
        write_jpeg(self.path(result.name), panel_of(result, self.max_depth))

    def files(self, name: str, cameras: tuple) -> list:
        """See :meth:`Sink.files`."""
        return [self.path(name)]


def panel_of(result: DepthResult, max_depth: float) -> np.ndarray:
    """The panel of a frame, (h, w, 3) uint8 RGB. A missing camera keeps its place and is black."""
    names = result.rig.names
    H, W = next(iter(result.views.values())).predicted.shape
    images = np.zeros((len(names), 3, H, W), np.uint8)
    depth, visible = np.zeros((len(names), H, W), np.float32), np.zeros((len(names), H, W), bool)
    for n, name in enumerate(names):
        if name in result.views:
            view = result.views[name]
            images[n], depth[n], visible[n] = view.image.transpose(2, 0, 1), view.predicted, view.visible
    order = ring_order(result.rig.camera_rig().cam2ego) if result.rig.has_poses else None
    labels = [name if name in result.views else f'{name} (missing)' for name in names]
    return draw_panel(images, depth, None, labels, max_depth, order=order, valid_mask=visible)
