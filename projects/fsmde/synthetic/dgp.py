"""Writes scenes in DGP format, the format of DDAD."""

import hashlib
import json
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np

#: Names of a lens's coefficients, by its model. DGP has none for MEI (its ``xi`` is the double sphere's) and f-theta.
LENS_FIELDS = dict(
    none=(),
    plumb_bob=('k1', 'k2', 'p1', 'p2', 'k3'),
    rational_polynomial=('k1', 'k2', 'p1', 'p2', 'k3', 'k4', 'k5', 'k6'),
    equidistant=('k1', 'k2', 'k3', 'k4'),
)
_EPOCH = datetime(2020, 1, 1, tzinfo=timezone.utc)


def quaternion(rotation):
    """Unit quaternion (w, x, y, z) with w >= 0 of a rotation matrix (3, 3)."""
    m = np.asarray(rotation, np.float64)
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], 0, 0, 0],
            [m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], 0, 0],
            [m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1], 0],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
        ]
    )
    x, y, z, w = np.linalg.eigh(k / 3)[1][:, -1]
    return np.array([w, x, y, z]) * (1 if w >= 0 else -1)


def pose_dict(pose):
    """A rigid transform (4, 4) as DGP writes it."""
    w, x, y, z = (float(v) for v in quaternion(pose[:3, :3]))
    tx, ty, tz = (float(v) for v in pose[:3, 3])
    return dict(rotation=dict(qw=w, qx=x, qy=y, qz=z), translation=dict(x=tx, y=ty, z=tz))


def key_of(*words):
    """A 40 digit key, the same for the same words."""
    return hashlib.sha1('/'.join(map(str, words)).encode()).hexdigest()


def write_json(path, content):
    """Write a json file."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True))


class SceneWriter:
    """Collects one scene's data and writes it.

    Args:
        root: directory of the world.
        name: directory of the scene inside it, such as ``000003``.
        rig: see ``rigs.Rig``.
    """

    def __init__(self, root, name, rig):
        self.root, self.name, self.rig = root, name, rig
        self.calibration_key = key_of(name, 'calibration')
        self.data, self.samples = [], []
        self._last = {}

    def add_sample(self, index, lidar_time, camera_time, points, lidar2world, images, depths, cams2world):
        """Write the files of one sample.

        Args:
            index: number of the sample in its scene.
            lidar_time, camera_time: seconds.
            points: (n, 4) float64 in the LiDAR frame.
            lidar2world: (4, 4).
            images, depths, cams2world: one per camera of the rig: (H, W, 3) uint8 RGB, (H, W) metres along what
                ``Camera.measure`` says, (4, 4).
        """
        scene = self.root / self.name
        stem = f'{round(lidar_time * 1e6):017d}'
        path = scene / 'point_cloud' / 'LIDAR' / f'{stem}.npz'
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, data=points)
        keys = [
            self._add_datum(
                'LIDAR',
                index,
                lidar_time,
                dict(
                    point_cloud=dict(
                        annotations={},
                        filename=path.relative_to(scene).as_posix(),
                        metadata={},
                        point_fields=[],
                        point_format=['X', 'Y', 'Z', 'INTENSITY'],
                        pose=pose_dict(lidar2world),
                    )
                ),
            )
        ]
        stem = f'{round(camera_time * 1e6):017d}'
        for camera, image, depth, cam2world in zip(self.rig.cameras, images, depths, cams2world):
            path = scene / 'rgb' / camera.name / f'{stem}.jpg'
            write_image(path, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            write_image(scene / camera.measure / camera.name / f'{stem}.png', np.round(depth * 256).astype(np.uint16))
            keys.append(
                self._add_datum(
                    camera.name,
                    index,
                    camera_time,
                    dict(
                        image=dict(
                            annotations={},
                            channels=3,
                            filename=path.relative_to(scene).as_posix(),
                            height=camera.size[0],
                            width=camera.size[1],
                            metadata={},
                            pose=pose_dict(cam2world),
                        )
                    ),
                )
            )
        self.samples.append(
            dict(
                calibration_key=self.calibration_key,
                datum_keys=keys,
                metadata={},
                id=dict(index=str(index), log=self.name, name='', timestamp=timestamp(lidar_time)),
            )
        )

    def _add_datum(self, name, index, time, datum):
        key = key_of(self.name, name, index)
        previous = self._last.get(name)
        if previous:
            previous['next_key'] = key
        entry = dict(
            datum=datum,
            key=key,
            prev_key=previous['key'] if previous else '',
            next_key='',
            id=dict(index=str(index), log=self.name, name=name, timestamp=timestamp(time)),
        )
        self._last[name] = entry
        self.data.append(entry)
        return key

    def finish(self, masks, tags):
        """Write masks (one (H, W) bool per camera, True on the own car and where nothing is seen), calibration and scene file.

        Returns:
            str: the scene file, relative to the world's directory.
        """
        scene = self.root / self.name
        for camera, mask in zip(self.rig.cameras, masks):
            write_image(self.root / 'masks' / self.name / f'{camera.name}.png', np.uint8(255) * ~mask)
        zero = dict(cx=0.0, cy=0.0, fx=0.0, fy=0.0, skew=0.0)
        calibration = dict(names=['LIDAR'], intrinsics=[zero], extrinsics=[pose_dict(self.rig.lidar2ego)])
        for camera in self.rig.cameras:
            (fx, _, cx), (_, fy, cy), _ = camera.cam2img.tolist()
            calibration['names'].append(camera.name)
            calibration['intrinsics'].append(dict(cx=cx, cy=cy, fx=fx, fy=fy, skew=0.0, **lens_fields(camera.lens)))
            calibration['extrinsics'].append(pose_dict(camera.cam2ego))
        (scene / 'calibration').mkdir(parents=True, exist_ok=True)
        write_json(scene / 'calibration' / f'{self.calibration_key}.json', calibration)
        write_json(scene / 'tags.json', tags)
        path = scene / f'scene_{key_of(self.name, "scene")}.json'
        write_json(
            path,
            dict(
                name=self.name,
                log=self.name,
                description='synthetic street',
                metadata={},
                ontologies={},
                samples=self.samples,
                data=self.data,
            ),
        )
        return path.relative_to(self.root).as_posix()


def lens_fields(lens):
    """The fields of DGP's CameraIntrinsics for a lens.

    Raises:
        ValueError: DGP has none for it.
    """
    if lens.MODEL not in LENS_FIELDS:
        raise ValueError(f'DGP has no fields for the lens {lens.MODEL!r}, only for {sorted(LENS_FIELDS)}')
    fields = dict(zip(LENS_FIELDS[lens.MODEL], lens.coefficients))
    return dict(fields, fisheye=1) if lens.MODEL == 'equidistant' else fields


def timestamp(seconds):
    """Seconds as DGP writes times."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S.%fZ')


def write_image(path, image, options=()):
    """Write an image; raises OSError where OpenCV only returns False."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image, list(options)):
        raise OSError(f'cannot write {path}: is the disk full, or the directory read-only?')


def write_index(root, splits):
    """Write ``ddad.json`` for ``splits``, a list of three lists of scene files (train, val, test)."""
    write_json(
        root / 'ddad.json',
        dict(
            metadata=dict(name='fsmde_synthetic', version='1', description='procedural street scenes'),
            scene_splits={str(i): dict(filenames=files) for i, files in enumerate(splits)},
        ),
    )
