"""One segment of the Waymo Open Dataset v2: its components, and what is written of them."""

import json

import numpy as np
from mmengine.logging import MMLogger
from scipy.spatial.transform import Rotation

from fsmde.arrow_files import import_pyarrow, to_numpy

from .waymo_lidar import TOP, LaserCalibration, without_motion

#: ``CameraName`` of ``waymo_open_dataset.v2.perception.camera_image``, from 1.
CAMERAS = ('FRONT', 'FRONT_LEFT', 'FRONT_RIGHT', 'SIDE_LEFT', 'SIDE_RIGHT')
LIDAR = 'LIDAR'
#: From our camera axes (x right, y down, z forward) to Waymo's (x forward, y left, z up).
AXES = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
INTRINSICS = ('f_u', 'f_v', 'c_u', 'c_v', 'k1', 'k2', 'p1', 'p2', 'k3')


class Segment:
    """The components of one segment.

    Args:
        source: Folder of the split, of which each component is a folder.
        name: Of the segment.
        every: Each how manieth frame is written.
    """

    def __init__(self, source, name, every):
        self.source, self.name, self.every = source, name, every

    def rows(self, component, cls, *names):
        """Rows of a component as dicts by the names of its class's columns, one after another."""
        arrow = import_pyarrow('Waymo')
        path = self.source / component / f'{self.name}.parquet'
        if not path.is_file():
            raise FileNotFoundError(f'no such file: {path}')
        columns = {name: name if name.startswith('key.') else f'[{cls}].{name}' for name in names}
        try:
            with arrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
                absent = [column for column in columns.values() if column not in file.schema_arrow.names]
                if absent:
                    raise ValueError(f'{path} has no column {absent}; it has {file.schema_arrow.names}')
                for batch in file.iter_batches(1, columns=list(columns.values()), use_threads=False):
                    yield {name: batch.column(column)[0] for name, column in columns.items()}
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(f'{path} is cut or no .parquet file: {error}') from error

    def write(self, folder):
        """Write images, clouds, calibration and scene; returns the number of frames."""
        rig = self._rig()
        ego2world = {
            row['key.frame_timestamp_micros'].as_py(): to_matrix(row['world_from_vehicle.transform'])
            for row in self.rows(
                'vehicle_pose', 'VehiclePoseComponent', 'key.frame_timestamp_micros', 'world_from_vehicle.transform'
            )
        }
        frames = {time: {} for time in sorted(ego2world)[:: self.every]}
        self._write_images(folder, frames, rig)
        self._write_clouds(folder, frames, ego2world)
        complete = [time for time, data in frames.items() if len(data) == len(CAMERAS) + 1]
        if len(complete) < len(frames):
            MMLogger.get_current_instance().warning(
                f'{self.name}: {len(frames) - len(complete)} of {len(frames)} frames lack an image or the LiDAR: left out'
            )
        if not complete:
            raise ValueError(f'{self.source}: segment {self.name} has no frame with all images and the LiDAR')
        calibration = dict(
            names=[*rig, LIDAR],
            intrinsics=[*(camera['intrinsics'] for camera in rig.values()), {}],
            extrinsics=[pose_message(camera['cam2ego']) for camera in rig.values()] + [pose_message(np.eye(4))],
        )
        write_json(folder / 'calibration/rig.json', calibration)
        samples, data = [], []
        for time in complete:
            keys = {sensor: f'{time}-{sensor}' for sensor in frames[time]}
            stamp = dict(timestamp=np.datetime_as_string(np.datetime64(time, 'us')) + 'Z')
            data += [
                dict(key=keys[name], id=dict(stamp, name=name), datum=datum) for name, datum in frames[time].items()
            ]
            samples.append(dict(id=stamp, calibration_key='rig', datum_keys=list(keys.values())))
        scene = dict(name=self.name, metadata=dict(every=self.every), samples=samples, data=data)
        write_json(folder / 'scene.json', scene)
        return len(samples)

    def _rig(self):
        """``intrinsics`` (of DGP), ``cam2ego``, ``width`` and ``height`` of each camera by name."""
        rig = {}
        fields = [f'intrinsic.{name}' for name in INTRINSICS]
        for row in self.rows(
            'camera_calibration',
            'CameraCalibrationComponent',
            'key.camera_name',
            'extrinsic.transform',
            'width',
            'height',
            *fields,
        ):
            values = [row[field].as_py() for field in fields]
            fx, fy, cx, cy, *lens = values
            rig[self._camera(row)] = dict(
                intrinsics=dict(fx=fx, fy=fy, cx=cx, cy=cy, skew=0.0, **dict(zip(INTRINSICS[4:], lens))),
                cam2ego=to_matrix(row['extrinsic.transform']) @ AXES,
                width=row['width'].as_py(),
                height=row['height'].as_py(),
            )
        absent = [name for name in CAMERAS if name not in rig]
        if absent:
            raise ValueError(f'{self.source}: segment {self.name} has no calibration of {absent}')
        return rig

    def _camera(self, row):
        number = row['key.camera_name'].as_py()
        if not 1 <= number <= len(CAMERAS):
            raise ValueError(
                f'{self.source}: segment {self.name} has a camera {number}, known are {CAMERAS} from 1 on'
            )
        return CAMERAS[number - 1]

    def _write_images(self, folder, frames, rig):
        for row in self.rows(
            'camera_image',
            'CameraImageComponent',
            'key.frame_timestamp_micros',
            'key.camera_name',
            'image',
            'pose.transform',
        ):
            time, name = row['key.frame_timestamp_micros'].as_py(), self._camera(row)
            if time not in frames:
                continue
            path = folder / 'rgb' / name / f'{time}.jpg'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(row['image'].as_buffer())
            cam2world = to_matrix(row['pose.transform']) @ rig[name]['cam2ego']
            size = {side: rig[name][side] for side in ('height', 'width')}
            image = dict(filename=path.relative_to(folder).as_posix(), pose=pose_message(cam2world), **size)
            frames[time][name] = dict(image=image)

    def _write_clouds(self, folder, frames, ego2world):
        lasers = self._lasers()
        ranges = {time: {} for time in frames}
        for row in self.rows(
            'lidar',
            'LiDARComponent',
            'key.frame_timestamp_micros',
            'key.laser_name',
            'range_image_return1.values',
            'range_image_return1.shape',
        ):
            time, laser = row['key.frame_timestamp_micros'].as_py(), row['key.laser_name'].as_py()
            # A LiDAR may have no return at all.
            if time in frames and row['range_image_return1.values'].is_valid:
                ranges[time][laser] = _image(row)[..., 0].copy()
        for row in self.rows(
            'lidar_pose',
            'LiDARPoseComponent',
            'key.frame_timestamp_micros',
            'key.laser_name',
            'range_image_return1.values',
            'range_image_return1.shape',
        ):
            time, laser = row['key.frame_timestamp_micros'].as_py(), row['key.laser_name'].as_py()
            if time not in frames or laser != TOP or TOP not in ranges[time]:
                continue
            clouds = []
            for laser, image in sorted(ranges.pop(time).items()):
                points = lasers[laser].points(image.astype(np.float64))
                if laser == TOP:
                    points = without_motion(points, _image(row).astype(np.float64), ego2world[time])
                clouds.append(points[image > 0])
            path = folder / 'point_cloud' / LIDAR / f'{time}.npz'
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, data=np.concatenate(clouds).astype(np.float32))
            cloud = dict(filename=path.relative_to(folder).as_posix(), pose=pose_message(ego2world[time]))
            frames[time][LIDAR] = dict(point_cloud=dict(cloud, point_format=['X', 'Y', 'Z']))

    def _lasers(self):
        lasers = {}
        for row in self.rows(
            'lidar_calibration',
            'LiDARCalibrationComponent',
            'key.laser_name',
            'extrinsic.transform',
            'beam_inclination.min',
            'beam_inclination.max',
            'beam_inclination.values',
        ):
            values = row['beam_inclination.values'].as_py()
            lasers[row['key.laser_name'].as_py()] = LaserCalibration(
                to_matrix(row['extrinsic.transform']),
                np.array(values) if values else None,
                row['beam_inclination.min'].as_py(),
                row['beam_inclination.max'].as_py(),
            )
        return lasers


def pose_message(matrix) -> dict:
    """A (4, 4) rigid motion in metres as DGP writes it."""
    x, y, z, w = Rotation.from_matrix(matrix[:3, :3]).as_quat().tolist()
    tx, ty, tz = matrix[:3, 3].tolist()
    return dict(rotation=dict(qw=w, qx=x, qy=y, qz=z), translation=dict(x=tx, y=ty, z=tz))


def to_matrix(scalar) -> np.ndarray:
    """(4, 4) float64 of a column of 16 numbers, row by row."""
    return to_numpy(scalar.values, 'a transform').astype(np.float64).reshape(4, 4)


def _image(row):
    """(H, W, C) float32 of a range image's values and shape."""
    values = to_numpy(row['range_image_return1.values'].values, 'a range image')
    return values.reshape(row['range_image_return1.shape'].as_py())


def write_json(path, content):
    """Write a JSON file and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
