"""What all sources have."""

from collections.abc import Iterator

from ..frame import Frame


class Source:
    """Frames of one rig in the order of time.

    Attributes:
        cameras: Names of the cameras that it can have images of.
        origin: What messages call it: of a path that was opened, that.
    """

    cameras: tuple = ()
    origin: str = 'the input'

    def __iter__(self) -> Iterator[Frame]:
        raise NotImplementedError

    def __len__(self) -> int:
        """Number of frames."""
        raise NotImplementedError

    def image_sizes(self) -> dict:
        """(width, height) of the cameras' images, read from the first image of each: what :class:`RigCamera` needs
        where there is no rig file.
        """
        sizes = {}
        for frame in self:
            for camera in frame.images.keys() - sizes.keys():
                height, width = frame.read(camera).shape[:2]
                sizes[camera] = width, height
            if len(sizes) == len(self.cameras):
                break
        return {camera: sizes[camera] for camera in self.cameras if camera in sizes}
