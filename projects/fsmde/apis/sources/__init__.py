"""Where frames come from: each source is iterated over and yields :class:`fsmde.apis.Frame` in the order of time."""

from pathlib import Path

from ..frame import Frame
from ..ros_topics import parse_topics
from .base import Source
from .dataset_frames import DatasetFrames
from .frame_list import FrameList
from .image_folders import IMAGE_ENDINGS, ImageFolders, by_camera, images_in, shown
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


#: Images that a folder of one frame may have: its cameras. A recording of one camera has more.
MOST_CAMERAS = 32
#: What takes an option; other inputs refuse it.
TAKEN_BY = dict(
    data_root='configs of data sets (.py)',
    tolerance='folders of a folder or a video a camera, and of recordings',
    clock='folders of a folder or a video a camera, and of recordings',
    topics='recordings (.mcap, ROS 2 bags)',
    ego_frame='recordings (.mcap, ROS 2 bags)',
)


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
        FileNotFoundError, ValueError, TypeError: If it is none of these; says what there is. ValueError also for an option
            that it does not take, and a tolerance that is none.
    """
    if data_root is not None:
        options['data_root'] = data_root
    if not 0 <= (options.get('tolerance') or 0) < float('inf'):
        raise ValueError(f'tolerance must be seconds, not negative, found {options["tolerance"]}')
    if isinstance(inputs, (Source, dict, list, tuple, Frame)):
        _taken(options, f'a {type(inputs).__name__}')
        return inputs if isinstance(inputs, Source) else FrameList(inputs)
    if not isinstance(inputs, (str, Path)):
        raise TypeError(
            f'expected a frame {{camera: path or array}}, a list of frames, a folder or a source, found '
            f'{type(inputs).__name__}'
        )
    source = _of_path(Path(inputs), options)
    source.origin = str(inputs)
    return source


def _taken(options, inputs, *names):
    """Options of an input that takes those of these names."""
    for option in options:
        if option not in names:
            raise ValueError(f'{option} is an option of {TAKEN_BY.get(option, "no input")}, which {inputs} is none of')
    return options


def _of_path(path, options):
    if path.suffix.lower() in ENDINGS or (path / 'metadata.yaml').is_file():
        return Recording(path, **_taken(options, path, 'tolerance', 'clock', 'topics', 'ego_frame'))
    if path.suffix == '.py':
        return DatasetFrames.of_config(path, **_taken(options, path, 'data_root'))
    if path.is_file() and path.suffix.lower() in IMAGE_ENDINGS:
        _taken(options, path)
        return FrameList({path.stem: path})
    if not path.is_dir():
        raise FileNotFoundError(
            f'{path} is neither an image nor a recording nor a folder: expected a folder that holds a folder of images or a '
            'video for each camera, or the images of one frame'
        )
    videos, images = list(Videos.files_in(path).values()), images_in(path)
    if not videos and not images:
        return ImageFolders(path, **_taken(options, path, 'tolerance', 'clock'))
    folders = [folder for folder in shown(path) if folder.is_dir() and images_in(folder)]
    kinds = {'images': images, 'folders with images': folders, 'videos': videos}
    several = [f'{kind}, such as {files[0].name},' for kind, files in kinds.items() if files]
    if len(several) > 1:
        raise ValueError(
            f'{path} holds {" and ".join(several)} of which one kind alone can be the cameras: move the others elsewhere'
        )
    if videos:
        return Videos(path, **_taken(options, path, 'tolerance', 'clock'))
    _taken(options, path)
    if len(images) > MOST_CAMERAS:
        raise ValueError(
            f'{path} holds {len(images)} images, which would be {len(images)} cameras of one frame, at most {MOST_CAMERAS}: '
            f'put the images of a camera into {path}/<camera>/'
        )
    return FrameList([Frame(path.resolve().name, by_camera(images))])
