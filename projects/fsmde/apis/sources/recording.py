"""MCAP files and ROS 2 bags."""

import logging
from collections import Counter
from functools import partial

import numpy as np
from mmengine.logging import print_log

from fsmde.plain_data import nearest
from fsmde.rig_file import RigFile
from fsmde.rig_formats.ros import camera_of_info, fields_of_message
from fsmde.rig_formats.ros_frames import pose_of, poses_of, stamped, take_place

from ..frame import Frame
from ..matching import half_period, match_times
from ..ros_bag import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, TRANSFORMS, RosBag
from ..ros_images import DEPTH, encoding_of, image_of
from ..ros_topics import base_of, distinct_tails, pair_of
from .base import Source

ENDINGS = ('.mcap', '.db3', '.bag')
IMAGES = (IMAGE, COMPRESSED_IMAGE)


class Recording(Source):
    """The cameras of a recording: Image or CompressedImage with their CameraInfo and the tree of ``/tf_static``.

    Topics are found by their type. ``<namespace>/camera_info`` belongs to ``<namespace>/image_raw`` and
    ``<namespace>/image_raw/compressed``; a camera is called as the last part of its namespace, or as so many that the names
    are distinct. Images whose topic begins with ``image_rect`` are rectified ones, which P describes. An image's time is its
    header's stamp, or the time of recording where that is 0.

    Args:
        path: See :class:`fsmde.apis.ros_bag.RosBag`.
        topics: ``{camera: image topic}`` or ``{camera: (image topic, camera_info topic)}``, to choose and name them.
        tolerance: Seconds; by default half a period of the clock.
        clock: Camera whose images make the frames; by default the one with the most.
        ego_frame: Frame of the vehicle, x forward, y left, z up; empty to go without poses. By default ``base_link``, or no
            poses where the recording has no static transforms.

    Raises:
        FileNotFoundError, ImportError, ValueError: If the recording cannot be read, or has no image of a topic; names it.
    """

    def __init__(self, path, topics=None, tolerance: float = None, clock: str = None, ego_frame: str = None):
        self.ego_frame, self._rig = 'base_link' if ego_frame is None else ego_frame, None
        self._poses_wanted = bool(ego_frame)
        with RosBag(path) as bag:
            self.path, self._kinds = bag.path, bag.topics
            self._check_topics(topics)
            named = {camera: pair_of(topic) for camera, topic in (topics or {}).items()}
            self._scan(bag, [image for image, _ in named.values()] or self._of_kind(*IMAGES))
        self.topics = named or self._found()
        self.cameras = tuple(self.topics)
        empty = [camera for camera, (image, _) in self.topics.items() if not self._times[image]]
        if empty or not self.topics:
            raise ValueError(f'{self.path} has no images of {empty or "a camera"}; its topics: {self._kinds}')
        times = {camera: self._times[image] for camera, (image, _) in self.topics.items()}
        if clock is not None and clock not in times:
            raise ValueError(
                f'{self.path} has no camera {clock!r} for a clock{nearest(clock, times)}; it has {list(times)}'
            )
        first = {camera: self._first_of_equal(camera, values) for camera, values in times.items()}
        distinct = {camera: [values[i] for i in first[camera]] for camera, values in times.items()}
        self.clock = clock or max(distinct, key=lambda camera: len(distinct[camera]))
        tolerance = half_period(distinct[self.clock]) if tolerance is None else tolerance * 1e9
        matched = match_times(distinct, round(tolerance), self.clock)
        self.times, self.indices = times, [{camera: first[camera][i] for camera, i in m.items()} for m in matched]

    def _first_of_equal(self, camera, times):
        """Indices of the images of distinct times: drivers repeat a stamp when a new one does not come, and bags messages."""
        first = np.unique(times, return_index=True)[1].tolist()
        if len(first) < len(times):
            print_log(
                f'{self.path}: camera {camera}: {len(times) - len(first)} of {len(times)} images have the stamp of an '
                'earlier one and are left out',
                'current',
                logging.WARNING,
            )
        return first

    def _of_kind(self, *kinds):
        return [topic for topic, kind in self._kinds.items() if kind in kinds]

    def _check_topics(self, topics):
        cameras = {}
        for camera, pair in (topics or {}).items():
            other = cameras.setdefault(pair_of(pair)[0], camera)
            if other != camera:
                raise ValueError(f'{self.path}: cameras {other} and {camera} have one topic, {pair_of(pair)[0]}')
            for topic, kinds in zip(pair_of(pair), (IMAGES, (CAMERA_INFO,))):
                if self._kinds.get(topic) not in kinds and (kinds is IMAGES or not isinstance(pair, str)):
                    found = f'is {self._kinds[topic]}' if topic in self._kinds else 'is not in it'
                    known = self._of_kind(*kinds)
                    raise ValueError(
                        f'{self.path}: topic {topic} of camera {camera} {found}{nearest(topic, known)}; expected one of '
                        f'{known}'
                    )

    def _scan(self, bag, images):
        """Read the recording once for times, calibrations and transforms."""
        self._times, self._encodings = {topic: [] for topic in images}, {}
        self._infos, self._changing, self._frames, self._transforms = {}, set(), {}, []
        static = [topic for topic in self._of_kind(TRANSFORMS) if topic.endswith('tf_static')]
        for topic, time, content in bag.messages([*images, *self._of_kind(CAMERA_INFO), *static]):
            kind = self._kinds[topic]
            message = bag.decode(topic, time, content, kind)
            if kind == TRANSFORMS:
                self._transforms.extend(message.transforms)
            elif kind == CAMERA_INFO:
                info = _plain(message)
                # Not the values: NaN equals nothing, and an uncalibrated camera's K changes no more than another's.
                if str(self._infos.setdefault(topic, info)) != str(info):
                    self._changing.add(topic)
            else:
                stamp = message.header.stamp
                if stamp.sec < 0 or stamp.nanosec >= 10**9:
                    raise ValueError(
                        f'{self.path}: topic {topic}: the image recorded at {time} ns has a stamp that is no time: '
                        f'{stamp.sec} s and {stamp.nanosec} ns'
                    )
                self._times[topic].append(stamp.sec * 10**9 + stamp.nanosec or time)
                self._encodings.setdefault(topic, encoding_of(message))
                self._frames.setdefault(topic, message.header.frame_id)

    def _found(self):
        """Cameras by the names of their topics, without those of depth."""
        by_namespace = {}
        for topic, encoding in self._encodings.items():
            if encoding not in DEPTH and not topic.endswith('/compressedDepth'):
                by_namespace.setdefault(base_of(topic).rpartition('/')[0] or base_of(topic), []).append(topic)
        for namespace, topics in by_namespace.items():
            if len(topics) > 1:
                raise ValueError(f'{self.path}: {namespace} has images on {topics}: say which (--topics CAMERA=TOPIC)')
        return {
            name: pair_of(by_namespace[namespace][0])
            for namespace, name in zip(by_namespace, distinct_tails(by_namespace))
        }

    def rig(self) -> RigFile:
        """The calibration that the recording holds.

        Raises:
            ValueError: If a camera has no CameraInfo, one that changes, cannot be used or is of another frame than its images,
                or transforms are there and none leads to its frame, or it has the pose of another camera; names the camera.
        """
        if self._rig is None:
            poses = None
            if self._poses_wanted and not self._transforms:
                raise ValueError(
                    f'{self.path} has no static transforms (/tf_static), so no poses in {self.ego_frame!r}'
                )
            if self._transforms and self.ego_frame:
                try:
                    poses = poses_of([_transform(message) for message in self._transforms], self.ego_frame)
                except ValueError as error:
                    raise ValueError(f'{self.path}: tf_static: {error}') from error
            taken = {}
            cameras = [self._camera(name, *topics, poses, taken) for name, topics in self.topics.items()]
            self._rig = RigFile(cameras, f'from the recording {self.path.name}')
        return self._rig

    def _camera(self, name, image, info, poses, taken):
        if info not in self._infos or info in self._changing:
            what = f'{info} {"changes within the recording" if info in self._infos else "has no CameraInfo"}'
            raise ValueError(
                f'{self.path}: camera {name} has no calibration to go by: {what}. Name the topic (--topics '
                f'{name}={image},INFO_TOPIC) or give a rig file'
            )
        try:
            fields = fields_of_message(self._infos[info])
            frame = fields.pop('frame') or self._frames[image]
            pose = None
            if poses is not None:
                if frame not in poses:
                    raise ValueError(self._missing_link(name, frame))
                pose, own = pose_of(name, poses, frame), self._frames[image]
                # sensor_msgs/Image: if the two frames differ, the behaviour is undefined.
                if own in poses and not np.allclose(pose, pose_of(name, poses, own)):
                    raise ValueError(
                        f'camera {name}: it is of the frame {frame!r}, and the images of {image} are of {own!r}, elsewhere: '
                        f'name their own (--topics {name}={image},INFO_TOPIC) or give a rig file'
                    )
                take_place(name, pose, taken)
            fields.pop('name')
            rectified = base_of(image).rpartition('/')[2].startswith('image_rect')
            return camera_of_info(name, rectified=rectified, cam2ego=pose, **fields)
        except ValueError as error:
            raise ValueError(f'{self.path}: {info}: {error}') from error

    def _missing_link(self, name, frame):
        parents, top = {message.child_frame_id: message.header.frame_id for message in self._transforms}, frame
        for _ in parents:
            top = parents.get(top, top)
        hangs = f'; it hangs on {top!r}, to which the link is missing' if top != frame else '; it is in no transform'
        return f'camera {name}: no static transforms lead from {self.ego_frame!r} to its frame {frame!r}{hangs}'

    def __len__(self):
        return len(self.indices)

    def __iter__(self):
        cameras = {image: camera for camera, (image, _) in self.topics.items()}
        needed = Counter(item for indices in self.indices for item in indices.items())
        seen, waiting, number = Counter(), {}, 0
        with RosBag(self.path) as bag:
            for topic, time, content in bag.messages(cameras):
                item = cameras[topic], seen[topic]
                seen[topic] += 1
                if needed[item]:
                    waiting[item] = partial(self._image, bag, topic, time, content)
                while number < len(self) and all(other in waiting for other in self.indices[number].items()):
                    yield self._frame(self.indices[number], waiting)
                    for other in self.indices[number].items():
                        needed[other] -= 1
                        if not needed[other]:
                            del waiting[other]
                    number += 1

    def _frame(self, indices, waiting):
        times = {camera: self.times[camera][index] for camera, index in indices.items()}
        images = {camera: waiting[camera, index] for camera, index in indices.items()}
        missing = tuple(camera for camera in self.cameras if camera not in images)
        return Frame(str(times[self.clock]), images, times[self.clock], times, missing, self.rig)

    def _image(self, bag, topic, time, content):
        message = bag.decode(topic, time, content, self._kinds[topic])
        return image_of(message, f'{self.path}: topic {topic}: the image of {time} ns')


def _plain(message) -> dict:
    """A CameraInfo as plain values without its time."""
    keys = ('width', 'height', 'distortion_model', 'binning_x', 'binning_y')
    roi = ('x_offset', 'y_offset', 'width', 'height')
    return dict(
        {key: getattr(message, key) for key in keys},
        **{key: getattr(message, key).tolist() for key in 'dkrp'},
        roi={key: getattr(message.roi, key) for key in roi},
        header=dict(frame_id=message.header.frame_id),
    )


def _transform(message):
    translation, rotation = message.transform.translation, message.transform.rotation
    t, q = ([getattr(part, key) for key in keys] for part, keys in ((translation, 'xyz'), (rotation, 'wxyz')))
    return stamped(message.header.frame_id, message.child_frame_id, t, q)
