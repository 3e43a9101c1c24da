"""What all sinks have."""

from ..result import DepthResult


class Sink:
    """Writes results somewhere.

    Sinks of files write each file under another name first, so that what is there is complete.
    """

    def write(self, result: DepthResult) -> None:
        """Write one frame.

        Raises:
            ValueError: If the result lacks what this sink writes, such as poses.
            OSError: If it cannot be written.
        """
        raise NotImplementedError

    def has(self, name: str, cameras: tuple) -> bool:
        """Whether all that this sink writes of a frame is there already; ``cameras`` are those that the frame has."""
        return False

    def close(self) -> None:
        """Finish what is written at the end."""
