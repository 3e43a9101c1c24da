"""Where frames come from: each source is iterated over and yields :class:`fsmde.apis.Frame` in the order of time."""

from pathlib import Path

from ..frame import Frame
from ..ros_topics import parse_topics
from .base import Source
from .dataset_frames import DatasetFrames
from .frame_list import FrameList
from .image_folders import IMAGE_ENDINGS, ImageFolders, images_in
from .recording import ENDINGS, Recording
from .videos import Videos

__all__ = [
    'DatasetFrames',
    'FrameList',
    'ImageFolders',
    'Recording',
    'Source',
    'Videos',
    'open_source',
    'parse_topics',
]


def open_source(inputs, data_root: str = None, **options) -> Source:
    """The source of whatever the inferencer was given.

    Args:
        inputs: A :class:`Source`; one frame ``{camera: path or array}`` or a list of such; a folder that holds a folder of
            images a camera, or a video a camera, or the images of one frame named after their cameras; one image; a
            recording (``.mcap``, or a ROS 2 bag); or the config (``.py``) of a data set, which is executed: the frames of
            its test set.
        data_root: Folder of the data set of a config.
        options: ``tolerance`` and ``clock`` of folders, videos and recordings; ``topics`` and ``ego_frame`` of recordings.

    Raises:
        FileNotFoundError, ValueError, TypeError: If it is none of these; says what there is.
    """
    if isinstance(inputs, Source):
        return inputs
    if isinstance(inputs, (dict, list, tuple, Frame)):
        return FrameList(inputs)
    if not isinstance(inputs, (str, Path)):
        raise TypeError(
            f'expected a frame {{camera: path or array}}, a list of frames, a folder or a source, found '
            f'{type(inputs).__name__}'
        )
    source = _of_path(Path(inputs), data_root, options)
    source.origin = str(inputs)
    return source


def _of_path(path, data_root, options):
    if path.suffix.lower() in ENDINGS or (path / 'metadata.yaml').is_file():
        return Recording(path, **options)
    alone = [option for option in ('topics', 'ego_frame') if option in options]
    if alone:
        raise ValueError(f'{alone} are options of recordings (.mcap, ROS 2 bags), which {path} is none of')
    if path.suffix == '.py':
        return DatasetFrames.of_config(path, data_root)
    if path.is_file() and path.suffix.lower() in IMAGE_ENDINGS:
        return FrameList({path.stem: path})
    if not path.is_dir():
        raise FileNotFoundError(
            f'{path} is neither an image nor a recording nor a folder: expected a folder that holds a folder of images or a '
            'video for each camera, or the images of one frame'
        )
    if Videos.files_in(path):
        return Videos(path, **options)
    images = images_in(path)
    if images:
        return FrameList([Frame(path.resolve().name, {image.stem: image for image in images})])
    return ImageFolders(path, **options)
