"""One sample for detector and depth: between mmdet3d's nuScenes pipeline and this project's transforms."""

import os.path as osp

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.datasets.transforms import Pack3DDetInputs
from mmdet3d.registry import TRANSFORMS

from ..index_checks import check_index
from ..infos import read_cameras
from .formatting import PackSurroundInputs


@TRANSFORMS.register_module()
class SurroundFromInfos(BaseTransform):
    """Give a frame of mmdet3d's ``NuScenesDataset`` the keys that this project's transforms read.

    Belongs before ``LoadSurroundImages``, and behind stock transforms that flip and rotate points and boxes: those must
    not find images. Needs ``modality=dict(use_camera=True, use_lidar=True)`` in the data set. Random choices of later
    transforms follow numpy's global state, as those of the stock ones do.

    Args:
        cameras: Names, in the order of the N axis; all of the infos', in their order, by default.

    Raises:
        ValueError: If the data set has not put folders before the file names, the frame has no such camera, or its
            calibration is not usable.
    """

    def __init__(self, cameras=None):
        self.cameras = cameras

    def transform(self, results):
        cameras = list(self.cameras or results['images'])
        try:
            calibration = read_cameras(results, cameras)
        except (KeyError, ValueError) as error:
            raise ValueError(f'frame {results["token"]}: {error}') from error
        check_index([dict(calibration, frame_id=results['token'])], cameras)
        paths = {camera: results['images'][camera]['img_path'] for camera in cameras}
        bare = [camera for camera, path in paths.items() if not osp.dirname(path)]
        if bare or 'num_pts_feats' not in results:
            raise ValueError(
                f'frame {results["token"]}: '
                + (f'images of {bare} have no folder' if bare else 'the LiDAR was left out')
                + ': SurroundFromInfos needs modality=dict(use_lidar=True, use_camera=True) in the data set, and in its '
                'data_prefix the folder of each camera, such as CAM_FRONT="samples/CAM_FRONT"'
            )
        results.update(
            calibration,
            frame_id=results['token'],
            cam_names=cameras,
            img_path=list(paths.values()),
            lidar_dims=results['num_pts_feats'],
            rounding='round',
            rng=np.random.default_rng(np.random.randint(2**32, dtype=np.uint64)),
        )
        return results


@TRANSFORMS.register_module()
class PackSurroundDetInputs(BaseTransform):
    """Pack the views for the model and boxes, calibration and depth into one ``Det3DDataSample``.

    What :class:`PackSurroundInputs` and mmdet3d's ``Pack3DDetInputs`` pack, together. Boxes and labels are packed where
    they are there.
    """

    def __init__(self):
        self.surround = PackSurroundInputs()
        self.detection = Pack3DDetInputs(keys=('gt_bboxes_3d', 'gt_labels_3d'))

    def transform(self, results):
        packed = self.surround.transform(results)
        depth_sample = packed['data_samples']
        sample = self.detection.transform(results)['data_samples']
        sample.set_metainfo(depth_sample.metainfo)
        for key, value in depth_sample.items():
            setattr(sample, key, value)
        return dict(inputs=packed['inputs'], data_samples=sample)
