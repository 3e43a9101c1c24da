"""nuScenes: its tables, and mmdet3d's v2 infos."""

from pathlib import Path

from PIL import Image

from fsmde.datasets import NuScenesSurroundDataset
from fsmde.datasets.nuscenes_tables import rows_of
from fsmde.plain_data import numbers
from fsmde.poses import quaternion_to_matrix
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from .common import reading, size_of


def rig_from_nuscenes(root, version: str = 'v1.0-trainval', sample: str = None, cameras: tuple = None) -> RigFile:
    """The rig of one sample by the tables ``sensor``, ``calibrated_sensor`` and ``sample_data``.

    Args:
        root: Folder of the data set.
        version: Folder of the tables in it.
        sample: Token of a sample; the first of ``sample_data`` by default.
        cameras: Names, in their order; by default the ring.

    Raises:
        FileNotFoundError, ValueError: If a table is absent or not as the format has it, or lacks the sample or a camera.
    """
    folder = Path(root) / version
    sensor, calibrated, data = (
        rows_of(folder / f'{table}.json') for table in ('sensor', 'calibrated_sensor', 'sample_data')
    )
    with reading(folder, 'nuScenes tables'):
        sensors = {row['token']: row for row in sensor}
        calibrated = {row['token']: row for row in calibrated}
        found = {}
        for row in data:
            sample = sample or row['sample_token']
            if row['sample_token'] == sample and row['is_key_frame']:
                calibration = calibrated[row['calibrated_sensor_token']]
                kind = sensors[calibration['sensor_token']]
                if kind['modality'] == 'camera':
                    found[kind['channel']] = RigCamera(
                        kind['channel'],
                        (row['width'], row['height']),
                        numbers(calibration['camera_intrinsic'], (3, 3), 'camera_intrinsic'),
                        cam2ego=quaternion_to_matrix(
                            numbers(calibration['translation'], (3,), 'translation'),
                            numbers(calibration['rotation'], (4,), 'rotation'),
                        ),
                    )
        return RigFile(_chosen(found, cameras, f'sample {sample}'), f'from nuScenes {version}, sample {sample}')


def rig_from_infos(path, frame: int = 0, size: tuple = None, cameras: tuple = None) -> RigFile:
    """The rig of one frame of mmdet3d's v2 infos of nuScenes.

    Args:
        path: The info file. It is a pickle, as mmdet3d writes it: take it from nobody you do not trust.
        frame: Its number in the file.
        size: (width, height) of the images, where they are not beside the file.
        cameras: Names, in their order; by default the ring.

    Raises:
        FileNotFoundError, ValueError: If the file is absent or no such infos, or lacks the frame or a camera.
    """
    path = Path(path)
    dataset = NuScenesSurroundDataset(
        path.name, data_root=str(path.parent), test_mode=True, **(dict(cameras=list(cameras)) if cameras else {})
    )
    if not 0 <= frame < len(dataset):
        raise ValueError(f'{path} has {len(dataset)} frames, no frame {frame}')
    info = dataset.get_data_info(frame)
    found = []
    for n, name in enumerate(info['cam_names']):
        image = Path(info['img_path'][n])
        stated = None
        if image.is_file():
            with Image.open(image) as header:
                stated = header.size
        found.append(RigCamera(name, size_of(name, stated, size), info['cam2img'][n], cam2ego=info['cam2ego'][n]))
    return RigFile(found, f'from frame {frame} of {path.name}')


def _chosen(found, cameras, where):
    names = cameras or [name for name in NuScenesSurroundDataset.CAMERAS if name in found] or list(found)
    absent = [name for name in names if name not in found]
    if absent or not names:
        raise ValueError(f'{where} has no {absent or "camera"}; it has {sorted(found)}')
    return [found[name] for name in names]
