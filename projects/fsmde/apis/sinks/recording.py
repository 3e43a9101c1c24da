"""One MCAP file of everything, for Foxglove, Lichtblick and ROS 2."""

import errno
import os
import re
import tempfile
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from fsmde.output_files import replace_when_written
from fsmde.rig_formats.common import HALF_PIXEL

from ..result import DepthResult
from ..ros_bag import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, POINT_CLOUD, TRANSFORMS, type_store
from .base import Sink

FLOAT32 = 7  # sensor_msgs/PointField
POINT = np.dtype([('xyz', '<f4', 3), ('rgb', '<u4')])


class McapRecording(Sink):
    """An ``.mcap`` file in ROS 2's standard messages. It appears under its name when it is complete.

    | topic | |
    |---|---|
    | ``/<camera>/image_rect/compressed`` | CompressedImage: the view that the network saw, JPEG |
    | ``/<camera>/depth/image_rect`` | Image, 32FC1: z-depth in metres in the same pixels, NaN for none (REP 118) |
    | ``/<camera>/camera_info`` | CameraInfo of both |
    | ``/tf_static`` | TFMessage: the ego frame to ``<camera>_optical_frame``, of rigs with poses |
    | ``/points`` | PointCloud2 in the ego frame: x, y, z in metres and rgb, of rigs with poses |

    Stamps are the times of the cameras' images; those of sources without times begin at 0.

    Args:
        path: File to write.
        fps: Frames a second of sources without times.
        max_depth, min_confidence: See :class:`PointClouds`; of the cloud alone.
        stride: Every n-th row and column of a depth map is in the cloud.
        overwrite: Whether a file of this name is replaced.
        ego_frame: Name of the ego frame.

    Raises:
        FileExistsError: If the file is there and ``overwrite`` is not given.
        ImportError: If rosbags is not installed.
    """

    def __init__(
        self,
        path,
        fps: float = 10.0,
        max_depth: float = 80.0,
        min_confidence: float = 0.0,
        stride: int = 2,
        overwrite: bool = False,
        ego_frame: str = 'base_link',
    ):
        self.path, self.fps, self.stride, self.ego_frame = Path(path), fps, stride, ego_frame
        self.max_depth, self.min_confidence = max_depth, min_confidence
        if self.path.exists() and not overwrite:
            raise FileExistsError(f'{self.path} is there already: name another file')
        self.store, self._writer = type_store(), None
        self._connections, self._names, self._last, self._poses, self._frames = {}, {}, {}, None, 0

    def files(self, name: str, cameras: tuple) -> list:
        """See :meth:`Sink.files`: a frame is there when the recording is."""
        return [self.path]

    def write(self, result: DepthResult) -> None:
        """See :meth:`Sink.write`."""
        frame_time = round(self._frames * 1e9 / self.fps) if result.time is None else result.time
        self._frames += 1
        stated = result.times or {}
        times = {name: stated.get(view.original.name, frame_time) for name, view in result.views.items()}
        try:
            self._begin()
            self._write_transforms(result, min(times.values()))
            for camera, view in result.views.items():
                # An image that is the nearest of two frames is one image all the same.
                if self._last.get(camera) != times[camera]:
                    self._last[camera] = times[camera]
                    self._write_view(self._name(camera), view, times[camera])
            if result.has_poses:
                self._write_points(result, frame_time)
        except OSError as error:
            raise OSError(error.errno, f'cannot write {self.path}: {error.strerror or error}') from error

    def close(self) -> None:
        """Give the recording its name."""
        if self._writer is None:
            return
        with self._folder, replace_when_written(self.path) as temporary:
            self._writer.close()
            os.replace(self._writer.path / f'{self._writer.path.name}.mcap', temporary)
        self._writer = None

    def _begin(self):
        if self._writer is not None:
            return
        from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the file, so that it can be renamed into place; removed with the object or at the interpreter's end.
        self._folder = tempfile.TemporaryDirectory('.tmp', f'{self.path.name[:60]}.', self.path.parent)
        writer = Writer(Path(self._folder.name) / 'bag', version=9, storage_plugin=StoragePlugin.MCAP)
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        writer.open()
        self._writer = writer

    def _name(self, camera):
        """A camera's name in topics: what ROS forbids there becomes an underscore; no two cameras share one."""
        if camera not in self._names:
            name = re.sub(r'[^A-Za-z0-9_/]', '_', camera).strip('/')
            name = re.sub(r'(^|/)(?=[0-9/]|$)', r'\1camera_', name)
            taken = self._names.values()
            self._names[camera] = next(
                other for other in (name, *(f'{name}_{k}' for k in range(2, len(taken) + 3))) if other not in taken
            )
        return self._names[camera]

    def _header(self, time, frame):
        seconds, nanoseconds = divmod(time, 10**9)
        stamp = self._message('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
        return self._message('std_msgs/msg/Header', stamp=stamp, frame_id=frame)

    def _message(self, kind, **fields):
        return self.store.types[kind](**fields)

    def _send(self, topic, kind, time, **fields):
        if topic not in self._connections:
            qos = [_latched()] if kind == TRANSFORMS else []
            self._connections[topic] = self._writer.add_connection(
                topic, kind, typestore=self.store, offered_qos_profiles=qos
            )
        content = self.store.serialize_cdr(self._message(kind, **fields), kind)
        self._writer.write(self._connections[topic], time, content)

    def _write_transforms(self, result, time):
        cameras = [camera for camera in result.rig.cameras if camera.cam2ego is not None]
        poses = {self._name(camera.name): camera.cam2ego for camera in cameras}
        if not poses or (self._poses is not None and all(np.array_equal(self._poses.get(k), poses[k]) for k in poses)):
            return
        self._poses = poses
        transforms = []
        for name, pose in poses.items():
            x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()
            transform = self._message(
                'geometry_msgs/msg/Transform',
                translation=self._message('geometry_msgs/msg/Vector3', **dict(zip('xyz', map(float, pose[:3, 3])))),
                rotation=self._message('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w),
            )
            transforms.append(
                self._message(
                    'geometry_msgs/msg/TransformStamped',
                    header=self._header(time, self.ego_frame),
                    child_frame_id=optical_frame(name),
                    transform=transform,
                )
            )
        self._send('/tf_static', TRANSFORMS, time, transforms=transforms)

    def _write_view(self, name, view, time):
        header, (height, width) = self._header(time, optical_frame(name)), view.predicted.shape
        K = (view.cam2img - HALF_PIXEL).ravel()
        region = dict(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
        self._send(
            f'/{name}/camera_info', CAMERA_INFO, time, header=header, height=height, width=width,
            distortion_model='plumb_bob', d=np.zeros(5), k=K, r=np.eye(3).ravel(),
            p=np.column_stack([K.reshape(3, 3), np.zeros(3)]).ravel(), binning_x=0, binning_y=0,
            roi=self._message('sensor_msgs/msg/RegionOfInterest', **region),
        )  # fmt: skip
        done, jpeg = cv2.imencode('.jpg', cv2.cvtColor(view.image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not done:
            raise OSError(errno.EIO, 'OpenCV cannot encode a JPEG')
        kind = 'bgr8; jpeg compressed bgr8'
        self._send(
            f'/{name}/image_rect/compressed', COMPRESSED_IMAGE, time, header=header, format=kind, data=jpeg.ravel()
        )
        depth = np.where(view.visible, view.predicted, np.float32(np.nan)).astype('<f4')
        self._send(
            f'/{name}/depth/image_rect', IMAGE, time, header=header, height=height, width=width, encoding='32FC1',
            is_bigendian=0, step=4 * width, data=depth.view(np.uint8).ravel(),
        )  # fmt: skip

    def _write_points(self, result, time):
        xyz, rgb = result.points(self.max_depth, self.min_confidence, self.stride)
        points = np.empty(len(xyz), POINT)
        points['xyz'], points['rgb'] = xyz, rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        fields = [
            self._message('sensor_msgs/msg/PointField', name=name, offset=4 * n, datatype=FLOAT32, count=1)
            for n, name in enumerate(('x', 'y', 'z', 'rgb'))
        ]
        self._send(
            '/points', POINT_CLOUD, time, header=self._header(time, self.ego_frame), height=1, width=len(points),
            fields=fields, is_bigendian=False, point_step=POINT.itemsize, row_step=POINT.itemsize * len(points),
            data=points.view(np.uint8), is_dense=True,
        )  # fmt: skip


def _latched():
    """Quality of service of ``/tf_static``: whoever subscribes late to a replay gets the last message."""
    from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

    never, delivery = QosTime(0, 0), (QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL)
    return Qos(QosHistory.KEEP_LAST, 1, *delivery, never, never, QosLiveliness.AUTOMATIC, never, False)


def optical_frame(name: str) -> str:
    """The frame of a camera: x right, y down, z forward."""
    return f'{name}_optical_frame'
