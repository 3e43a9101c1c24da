"""What a source hands to the inferencer: the images of one moment."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fsmde.image_files import load_image
from fsmde.rig_file import RigFile


@dataclass
class Frame:
    """The images of a rig at one moment.

    Args:
        name: Unique among the frames of its source, such as ``scene/0001``; outputs are named after it.
        images: By camera name a (H, W, 3) uint8 BGR array, the path of an image file, or a function without arguments
            that returns an array, for what is to be decoded only if it is needed.
        time: Nanoseconds since the epoch or the recording's beginning, None where it is not known.
        times: Nanoseconds of each camera's image, where they are known.
        missing: Cameras of the source that have no image at this time.
        rig: The calibration of this very frame, where the source has one, or a function without arguments that returns it
            or raises ValueError. A rig file that the user gives goes before it.
        lidar: A function without arguments that returns, by camera, (P,) columns, (P,) rows and (P,) z-depths in metres of
            LiDAR points in the original images; None where there is no LiDAR.
    """

    name: str
    images: dict
    time: int = None
    times: dict = field(default_factory=dict)
    missing: tuple = ()
    rig: RigFile | Callable = None
    lidar: Callable = None

    def read(self, camera: str) -> np.ndarray:
        """The (H, W, 3) uint8 BGR image of a camera.

        Raises:
            FileNotFoundError, ValueError: If its file is absent, cut or no image, or an array is no such image.
        """
        image = self.images[camera]
        if callable(image):
            image = image()
        if not isinstance(image, np.ndarray):
            return load_image(str(image))
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f'frame {self.name}, camera {camera}: expected an image (H, W, 3) uint8 BGR, found {image.shape} '
                f'{image.dtype}'
            )
        return image
