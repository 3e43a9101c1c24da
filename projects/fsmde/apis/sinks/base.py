"""What all sinks have."""

import os

from ..result import DepthResult


class Sink:
    """Writes results somewhere. Files appear under their name when they are complete."""

    def write(self, result: DepthResult) -> None:
        """Write one frame.

        Raises:
            ValueError: If the result lacks what this sink writes, such as poses.
            OSError: If it cannot be written.
        """
        raise NotImplementedError

    def files(self, name: str, cameras: tuple) -> list:
        """Paths of what is written of a frame; ``cameras`` are those that it has images of."""
        return []

    def has(self, name: str, cameras: tuple) -> bool:
        """Whether all that is written of a frame is there already."""
        return all(os.path.isfile(path) for path in self.files(name, cameras))

    def saw(self, name: str) -> None:
        """Told of each frame in order, of those too that are there already and not written again."""

    def close(self) -> None:
        """Finish what is written at the end."""
