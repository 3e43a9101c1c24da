"""Where frames come from: each source is iterated over and yields :class:`fsmde.apis.Frame` in the order of time."""

from .base import Source
from .dataset_frames import DatasetFrames
from .frame_list import FrameList
from .image_folders import ImageFolders
from .videos import Videos

__all__ = ['DatasetFrames', 'FrameList', 'ImageFolders', 'Source', 'Videos', 'open_source']


def open_source(inputs, **options) -> Source:
    """The source of whatever the inferencer was given.

    Args:
        inputs: A :class:`Source`; one frame ``{camera: path or array}`` or a list of such; a folder that holds one folder
            of images, or one video, for each camera.
        options: Of the source's class.

    Raises:
        FileNotFoundError, ValueError, TypeError: If it is none of these; says what there is.
    """
    from pathlib import Path

    if isinstance(inputs, Source):
        return inputs
    if isinstance(inputs, (dict, list, tuple)):
        return FrameList(inputs, **options)
    if not isinstance(inputs, (str, Path)):
        raise TypeError(
            f'expected a frame {{camera: path or array}}, a list of frames, a folder or a source, found '
            f'{type(inputs).__name__}'
        )
    path = Path(inputs)
    if not path.is_dir():
        raise FileNotFoundError(f'{path} is no folder: expected one that holds a folder of images or a video a camera')
    return (Videos if Videos.files_in(path) else ImageFolders)(path, **options)
