"""MCAP files and ROS 2 bags, read by rosbags: a pure Python reader, without ROS. Errors name the file and the topic."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMAGE, COMPRESSED_IMAGE = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO, TRANSFORMS, POINT_CLOUD = (
    'sensor_msgs/msg/CameraInfo',
    'tf2_msgs/msg/TFMessage',
    'sensor_msgs/msg/PointCloud2',
)


def type_store():
    """ROS's own definitions of messages: those used here are the same in all distributions of ROS 2 since Foxy.

    Raises:
        ImportError: If rosbags is not installed.
    """
    try:
        from rosbags.typesys import Stores, get_typestore
    except ImportError as error:
        raise ImportError(f"recordings need rosbags: pip install 'rosbags>=0.11' ({error})") from error
    return get_typestore(Stores.ROS2_HUMBLE)


class RosBag:
    """A recording that is open as long as its context.

    Args:
        path: A ``.mcap`` or ``.db3`` file, or the folder of a bag, which holds ``metadata.yaml``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no recording of ROS 2 that can be read, such as one that was cut.
    """

    def __init__(self, path):
        self.path, self.store = Path(path), type_store()
        if not self.path.exists():
            raise FileNotFoundError(f'no recording at {self.path}')
        if self.path.suffix == '.bag':
            raise ValueError(f'{self.path} is a bag of ROS 1: rosbags-convert makes one of ROS 2 of it')
        if self.path.is_file() and self.path.suffix != self.path.suffix.lower():
            raise ValueError(
                f'{self.path}: rosbags knows endings in lower case alone: rename it to *{self.path.suffix.lower()}'
            )

    def __enter__(self):
        from rosbags.rosbag2 import Reader

        with self._named():
            self.reader = Reader(self.path)
            self.reader.open()
        return self

    def __exit__(self, kind, error, traceback):
        self.reader.close()

    @contextmanager
    def _named(self):
        try:
            yield
        except Exception as error:  # rosbags', zstd's, sqlite's and Python's own, for files that are cut or hostile.
            kind = type(error).__name__
            raise ValueError(
                f'{self.path} is no recording that can be read ({kind}: {error}): expected MCAP with the profile ros2, or a '
                'ROS 2 bag. A recorder that was killed leaves a cut file: `mcap recover` mends it'
            ) from error

    @property
    def topics(self) -> dict:
        """Type of the messages by topic."""
        return {connection.topic: connection.msgtype for connection in self.reader.connections}

    def messages(self, topics) -> Iterator[tuple]:
        """Yield topic, time of recording in nanoseconds, and the serialized message, in the order of that time.

        Raises:
            ValueError: If a topic is not serialized as CDR or its type is defined otherwise than ROS does, or the file is
                broken further on.
        """
        connections = [connection for connection in self.reader.connections if connection.topic in topics]
        for connection in connections:
            self._check(connection)
        if not connections:
            return
        with self._named():
            for connection, time, content in self.reader.messages(connections):
                if time >= 2**63:
                    raise ValueError(
                        f'a message of {connection.topic} was recorded at {time} ns, in the year 2262 or later'
                    )
                yield connection.topic, time, content

    def _check(self, connection):
        from rosbags.interfaces import MessageDefinitionFormat
        from rosbags.typesys import get_types_from_idl, get_types_from_msg

        where = f'{self.path}: topic {connection.topic}'
        if connection.ext.serialization_format != 'cdr':
            raise ValueError(f'{where} is serialized as {connection.ext.serialization_format!r}, expected cdr')
        definition, found = connection.msgdef, {}
        try:
            if definition.format == MessageDefinitionFormat.MSG:
                found = get_types_from_msg(definition.data, connection.msgtype)
            elif definition.format == MessageDefinitionFormat.IDL and '=' * 80 not in definition.data:
                found = get_types_from_idl(definition.data)
        except Exception as error:  # The parser's own classes.
            raise ValueError(f'{where}: its definition of {connection.msgtype} cannot be parsed: {error}') from error
        for name, (_, fields) in found.items():
            known = self.store.fielddefs.get(name)
            if known is not None and [field[0] for field in known[1]] != [field[0] for field in fields]:
                raise ValueError(
                    f'{where}: {name} has the fields {[field[0] for field in fields]} there, in ROS 2 it has '
                    f'{[field[0] for field in known[1]]}'
                )

    def decode(self, topic: str, time: int, content: bytes, kind: str):
        """The message as an object with the fields of its type.

        Raises:
            ValueError: If it is cut or of another type; names topic and time.
        """
        try:
            return self.store.deserialize_cdr(content, kind)
        except Exception as error:  # struct's, numpy's and rosbags' own.
            raise ValueError(
                f'{self.path}: topic {topic}: the message of {time} ns ({len(content)} bytes) is no {kind}: '
                f'{type(error).__name__}: {error}'
            ) from error
