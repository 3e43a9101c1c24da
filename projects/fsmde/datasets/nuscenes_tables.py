"""nuScenes' raw tables, as its schema defines them (docs/schema_nuscenes.md of nuscenes-devkit)."""

import json
import os.path as osp
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fsmde.poses import quaternion_to_matrix

#: Characters of a table that are read at once; a row has some hundreds.
CHUNK = 1 << 20
_BETWEEN = re.compile(r'[\s,]*')


class Recording(NamedTuple):
    """A row of sample_data: one image or sweep.

    Args:
        time: Microseconds.
        token, path, pose, sensor: Its own token, its file under the root, tokens of its ego_pose and calibrated_sensor.
        key_frame: Whether it is of a key frame.
        size: (height, width) of an image, None where the table states 0.
    """

    time: int
    token: str
    path: str
    pose: str
    sensor: str
    key_frame: bool
    size: tuple


def rows_of(path: str) -> Iterator:
    """Rows of a table, one after the other.

    The full sample_data.json and ego_pose.json have 2.6 million rows each: as Python's objects they would not fit beside
    a training.

    Raises:
        FileNotFoundError, ValueError: If the file is absent, cut or no list of objects; names it.
    """
    decoder, number = json.JSONDecoder(), 0
    try:
        file = open(path, encoding='utf-8')
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is absent: tables must be the folder of nuScenes' json tables") from error
    with file:
        text = file.read(CHUNK).lstrip()
        place = 1
        if not text.startswith('['):
            raise ValueError(f"{path} is no table of nuScenes: it begins with {text[:20]!r}, not with '['")
        while True:
            place = _BETWEEN.match(text, place).end()
            if text[place : place + 1] == ']':
                return
            try:
                row, place = decoder.raw_decode(text, place)
            except ValueError as error:
                more = file.read(CHUNK) if len(text) - place < CHUNK else ''
                if not more:
                    raise ValueError(
                        f'{path} is cut or no json in row {number}: {text[place : place + 60]!r}'
                    ) from error
                text, place = text[place:] + more, 0
                continue
            if not isinstance(row, dict):
                raise ValueError(f'{path}: row {number} must be an object, found {row!r}')
            number += 1
            yield row


class NuScenesTables:
    """Images and sweeps of some samples' scenes, key frames and what lies between them.

    Args:
        folder: With the json tables, such as ``v1.0-trainval``.
        samples: Tokens of samples.
        channels: Names of sensors, such as ``CAM_FRONT`` and ``LIDAR_TOP``.

    Attributes:
        recordings: ``{scene's name: {channel: [Recording, by time]}}``.
        sensors: ``{token: (4x4 sensor to ego, 3x3 cam2img or None)}``.

    Raises:
        FileNotFoundError, ValueError: If a table is absent or cut, lacks a field or a sample; names the file.
    """

    def __init__(self, folder: str, samples: set, channels: list):
        self.folder = folder
        names = {row['token']: row['channel'] for row in self._rows('sensor', 'token', 'channel')}
        absent = sorted(set(channels) - set(names.values()))
        if absent:
            raise ValueError(f'{self._path("sensor")} has no {absent}; it has {sorted(names.values())}')
        self.sensors, channel_of = {}, {}
        fields = 'token', 'sensor_token', 'translation', 'rotation', 'camera_intrinsic'
        for row in self._rows('calibrated_sensor', *fields):
            if names[row['sensor_token']] in channels:
                channel_of[row['token']] = names[row['sensor_token']]
                matrix = quaternion_to_matrix(row['translation'], row['rotation'])
                intrinsics = np.array(row['camera_intrinsic'], dtype=np.float64) if row['camera_intrinsic'] else None
                self.sensors[row['token']] = matrix, intrinsics
        scenes = {row['token']: row['name'] for row in self._rows('scene', 'token', 'name')}
        scene_of = {
            row['token']: scenes[row['scene_token']]
            for row in self._rows('sample', 'token', 'scene_token')
            if row['token'] in samples
        }
        if len(scene_of) < len(samples):
            missing = next(iter(samples - scene_of.keys()))
            raise ValueError(
                f'{self._path("sample")} lacks {len(samples) - len(scene_of)} of {len(samples)} samples, such as '
                f'{missing!r}: tables and infos are of other versions'
            )
        self.recordings = defaultdict(lambda: {channel: [] for channel in channels})
        fields = (
            'token', 'sample_token', 'ego_pose_token', 'calibrated_sensor_token', 'timestamp', 'is_key_frame', 'filename',
            'height', 'width',
        )  # fmt: skip
        for row in self._rows('sample_data', *fields):
            channel, scene = channel_of.get(row['calibrated_sensor_token']), scene_of.get(row['sample_token'])
            if channel is None or scene is None:
                continue
            size = (row['height'], row['width']) if row['height'] and row['width'] else None
            token, pose = row['token'], row['ego_pose_token']
            # nuScenes calls a pose as what was recorded there; a million of each kept apart take 80 MB.
            pose, sensor = token if pose == token else pose, sys.intern(row['calibrated_sensor_token'])
            self.recordings[scene][channel].append(
                Recording(row['timestamp'], token, row['filename'], pose, sensor, row['is_key_frame'], size)
            )
        for of_scene in self.recordings.values():
            for of_channel in of_scene.values():
                of_channel.sort(key=lambda recording: recording.time)

    def read_poses(self, tokens) -> tuple:
        """``{token: place}`` and the (P, 4, 4) float64 ego to world poses of ego_pose tokens."""
        places = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
        numbers = np.full((len(places), 7), np.nan)
        for row in self._rows('ego_pose', 'token', 'translation', 'rotation'):
            place = places.get(row['token'])
            if place is not None:
                numbers[place, :3], numbers[place, 3:] = row['translation'], row['rotation']
        absent = np.isnan(numbers[:, 0])
        if absent.any():
            token = list(places)[int(absent.argmax())]
            raise ValueError(f'{self._path("ego_pose")} lacks {absent.sum()} poses, such as {token!r}')
        return places, quaternion_to_matrix(numbers[:, :3], numbers[:, 3:])

    def _path(self, name):
        return osp.join(self.folder, f'{name}.json')

    def _rows(self, name, *fields):
        for row in rows_of(self._path(name)):
            missing = [field for field in fields if field not in row]
            if missing:
                raise ValueError(f'{self._path(name)}: row {row.get("token")} has no {missing}')
            yield row
