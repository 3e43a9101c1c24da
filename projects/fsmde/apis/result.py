"""What the inferencer returns: the depth of one moment, camera by camera."""

from dataclasses import dataclass

import numpy as np
import torch

from fsmde.rig import CameraRig
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile
from fsmde.structures import SurroundDepthSample
from fsmde.virtual_cameras import to_original_pixels
from fsmde.visualization import fuse_points


@dataclass
class ViewDepth:
    """The depth of one camera in the pixels of the view that the network saw.

    Args:
        camera: The pinhole of which it is a view at the network's size.
        cam2img: (3, 3) float64 of this view: rectified, resized.
        image: (H, W, 3) uint8 RGB, the view.
        predicted: (H, W) float32 z-depth in metres as predicted, also where the lens shows nothing.
        visible: (H, W) bool, False where the rectified image shows nothing of the original one.
        confidence: (H, W) float32 in [0, 1], 1 where one bin has all the probability; None without bins.
        original: The camera whose image the view was made of, with its lens; ``camera`` itself by default.
    """

    camera: RigCamera
    cam2img: np.ndarray
    image: np.ndarray
    predicted: np.ndarray
    visible: np.ndarray
    confidence: np.ndarray = None
    original: RigCamera = None

    def __post_init__(self):
        self.original = self.original or self.camera

    @property
    def depth(self) -> np.ndarray:
        """(H, W) float32 z-depth in metres, 0 where nothing is seen."""
        return np.where(self.visible, self.predicted, np.float32(0))


@dataclass
class DepthResult:
    """The depth of one frame.

    Args:
        name: Of the frame.
        views: :class:`ViewDepth` by name, in the rig's order; all views are of one size. A view is called as its camera, or
            ``camera/view`` where the rig file cuts a camera into several.
        rig: The views as pinhole cameras, those of cameras without an image included.
        time, times: See :class:`fsmde.apis.frame.Frame`.
        missing: Cameras of the rig without an image at this time; they are in no other field.
        original_rig: The cameras as the rig file or the source has them, with their lenses; ``rig`` by default.
    """

    name: str
    views: dict
    rig: RigFile
    time: int = None
    times: dict = None
    missing: tuple = ()
    original_rig: RigFile = None

    def __post_init__(self):
        self.original_rig = self.original_rig or self.rig

    @property
    def cameras(self) -> tuple:
        """Names of the cameras that have an image, in the rig's order."""
        return tuple(dict.fromkeys(view.original.name for view in self.views.values()))

    @property
    def depth(self) -> dict:
        """(H, W) float32 z-depth in metres by view, in the network's pixels, 0 where nothing is seen."""
        return {name: view.depth for name, view in self.views.items()}

    @property
    def original_depth(self) -> dict:
        """(H0, W0) float32 z-depth in metres by camera, in the original images' pixels: along the optical axis of the camera
        itself, 0 at 90 degrees from it and beyond.
        """
        return {camera: self.original(camera) for camera in self.cameras}

    @property
    def original_distance(self) -> dict:
        """(H0, W0) float32 distance in metres along each pixel's ray by camera, in the original images' pixels."""
        return {camera: self.original(camera, 'distance') for camera in self.cameras}

    def original(self, camera: str, measure: str = 'z_depth') -> np.ndarray:
        """Depth in the pixels of a camera's original image, see :func:`fsmde.virtual_cameras.to_original_pixels`."""
        views = [view for view in self.views.values() if view.original.name == camera]
        return to_original_pixels([view.predicted for view in views], views[0].original, measure)

    @property
    def confidence(self) -> dict:
        """(H, W) float32 in [0, 1] by view, of models with bins; empty for others."""
        return {name: view.confidence for name, view in self.views.items() if view.confidence is not None}

    @property
    def has_poses(self) -> bool:
        """Whether every camera's place in the ego frame is known."""
        return all(view.camera.cam2ego is not None for view in self.views.values())

    def stacked(self, key: str) -> np.ndarray:
        """(N, ...) values of the views: ``'depth'``, ``'cam2img'``, ``'image'``, ``'visible'`` or ``'confidence'``."""
        return np.stack([getattr(view, key) for view in self.views.values()])

    @property
    def cam2ego(self) -> np.ndarray:
        """(N, 4, 4) float64 poses of the cameras that are there.

        Raises:
            ValueError: If a pose is not known; names the camera.
        """
        without = [name for name, view in self.views.items() if view.camera.cam2ego is None]
        if without:
            raise ValueError(
                f'frame {self.name}: {self.original_rig.origin}: cameras {without} have no cam2ego: write it into the rig '
                'file'
            )
        return np.stack([view.camera.cam2ego for view in self.views.values()])

    def check_confidence(self, least: float) -> None:
        """Raise ValueError if less sure pixels are to be left out, and the model does not say how sure it is."""
        if least > 0 and not self.confidence:
            raise ValueError(
                f'frame {self.name}: min_confidence (--min-confidence) is {least:g}, and the model gives no confidence: '
                'leave it out, or export the ONNX graph --with-bins, of a model that has bins'
            )

    def points(self, max_depth: float = np.inf, min_confidence: float = 0.0, stride: int = 1) -> tuple:
        """All views as one cloud: (P, 3) float32 points in the ego frame in metres, and (P, 3) uint8 RGB.

        Args:
            max_depth: Pixels at or beyond it, in metres, give no point.
            min_confidence: Less sure pixels give no point.
            stride: Take every n-th row and column.

        Raises:
            ValueError: If a camera's pose is not known, or there is no confidence to go by.
        """
        depth = self.stacked('depth')
        self.check_confidence(min_confidence)
        if min_confidence > 0:
            depth = np.where(self.stacked('confidence') >= min_confidence, depth, 0)
        images = self.stacked('image').transpose(0, 3, 1, 2)
        return fuse_points(depth, images, self.stacked('cam2img'), self.cam2ego, max_depth=max_depth, stride=stride)

    def to_sample(self) -> SurroundDepthSample:
        """The frame as the rest of fsmde knows it: ``pred_depth`` and ``valid_mask`` with metainfo.

        Raises:
            ValueError: If a camera's pose is not known.
        """
        names, cam2img = tuple(self.views), self.stacked('cam2img')
        rig = CameraRig(names, cam2img, self.cam2ego)
        sample = SurroundDepthSample(
            metainfo=dict(
                frame_id=self.name,
                timestamp=self.time,
                cam_names=list(names),
                cam2img=cam2img,
                cam2ego=self.cam2ego,
                neighbors=rig.neighbors,
                ori_shape=np.array([view.camera.size[::-1] for view in self.views.values()]),
            )
        )
        sample.pred_depth = torch.from_numpy(self.stacked('predicted'))
        sample.valid_mask = torch.from_numpy(self.stacked('visible'))
        return sample
