"""A folder of images for each camera."""

import re
from pathlib import Path

from ..frame import Frame
from ..matching import match_times
from .base import Source

IMAGE_ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')
#: Digits of a time since the epoch before its decimal point -> nanoseconds of its unit; seconds need a fraction or ten.
#: DDAD's names are in units of 100 ns.
UNITS = {19: 1, 17: 100, 16: 1_000, 13: 1_000_000, 10: 1_000_000_000}


class ImageFolders(Source):
    """``<root>/<camera>/<image>``: images of one name belong together.

    With a tolerance the names are times instead, as recorders write them (nanoseconds, 100 ns, microseconds, milliseconds
    or seconds since the epoch), and the images nearest in time belong together, see :func:`fsmde.apis.matching.match_times`.

    Args:
        root: The folder.
        tolerance: Seconds, or None to go by name.
        clock: Camera whose images make the frames where they go by time; by default the one with the most.

    Raises:
        ValueError: If there are no images, a clock without a tolerance, no two cameras share a name, or names are no times
            where they must be.
    """

    def __init__(self, root, tolerance: float = None, clock: str = None):
        root = Path(root)
        files = {folder.name: images_in(folder) for folder in shown(root) if folder.is_dir()}
        files = {camera: images for camera, images in files.items() if images}
        if not files:
            raise ValueError(
                f'{root} holds no folder with images ({", ".join(IMAGE_ENDINGS)}): expected {root}/<camera>/<image>'
            )
        if clock is not None and tolerance is None:
            raise ValueError(
                f'{root}: images go by name, not by the clock {clock!r}: give a tolerance in seconds, too'
            )
        if clock is not None and clock not in files:
            raise ValueError(f'{root} has no images of the clock {clock!r}; it has {list(files)}')
        self.cameras = tuple(files)
        self.frames = self._by_name(root, files) if tolerance is None else self._by_time(files, tolerance, clock)

    def _by_name(self, root, files):
        by_stem = {}
        for camera, paths in files.items():
            for path in paths:
                if camera in by_stem.setdefault(path.stem, {}):
                    raise ValueError(f'camera {camera} has two images of one name: {path.name} and another ending')
                by_stem[path.stem][camera] = path
        if len(files) > 1 and all(len(images) == 1 for images in by_stem.values()):
            examples = [str(paths[0].relative_to(root)) for paths in list(files.values())[:2]]
            raise ValueError(
                f'no two cameras of {root} have an image of one name ({", ".join(examples)}): if the names are times, '
                'give a tolerance in seconds'
            )
        return [self._frame(stem, by_stem[stem]) for stem in sorted(by_stem, key=natural)]

    def _by_time(self, files, tolerance, clock):
        times = {camera: [time_of(path) for path in paths] for camera, paths in files.items()}
        frames = []
        for indices in match_times(times, round(tolerance * 1e9), clock):
            found = {camera: times[camera][i] for camera, i in indices.items()}
            base = clock or max(files, key=lambda camera: len(files[camera]))
            name = files[base][indices[base]].stem
            images = {camera: files[camera][i] for camera, i in indices.items()}
            frames.append(self._frame(name, images, found[base], found))
        return frames

    def _frame(self, name, images, time=None, times=None):
        missing = tuple(camera for camera in self.cameras if camera not in images)
        return Frame(name, images, time, times or {}, missing)

    def __len__(self):
        return len(self.frames)

    def __iter__(self):
        return iter(self.frames)


def shown(folder: Path) -> list:
    """What is in a folder, sorted, without hidden names: macOS leaves a ``._<name>`` beside each file that it copies."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith('.'))


def images_in(folder: Path) -> list:
    """The image files of a folder, in natural order."""
    files = (path for path in shown(folder) if path.suffix.lower() in IMAGE_ENDINGS and path.is_file())
    return sorted(files, key=lambda path: natural(path.name))


def by_camera(files) -> dict:
    """Files that are named after cameras, by these names.

    Raises:
        ValueError: If two are named after one camera.
    """
    found = {}
    for path in files:
        other = found.setdefault(path.stem, path)
        if other != path:
            raise ValueError(
                f'{path.parent}: camera {path.stem} has two files, {other.name} and {path.name}: keep one'
            )
    return found


def natural(name: str) -> list:
    """A key that sorts 2 before 10."""
    return [(0, int(part), '') if part.isdecimal() else (1, 0, part) for part in re.split(r'(\d+)', name) if part]


def time_of(path: Path) -> int:
    """Nanoseconds that the name of a file is.

    Raises:
        ValueError: If it is no time since the epoch.
    """
    whole, _, fraction = path.stem.partition('.')
    if whole.isdecimal() and len(whole) in UNITS and (not fraction or fraction.isdecimal()):
        unit = UNITS[len(whole)]
        # In whole numbers: a float64 has microseconds at best.
        return int(whole) * unit + int(f'{fraction:0<9}'[:9] or 0) * unit // 1_000_000_000
    raise ValueError(
        f'{path} is named after no time: expected nanoseconds (19 digits), 100 ns (17), microseconds (16), milliseconds '
        '(13) or seconds (10, and perhaps a fraction) since 1970'
    )
