"""Waymo Open Dataset, unpacked into DGP format by tools/dataset_converters/convert_waymo.py."""

from mmdet3d.registry import DATASETS

from .ddad_dataset import DDADDataset


@DATASETS.register_module()
class WaymoSurroundDataset(DDADDataset):
    """Waymo Open Dataset, Perception v2 (Sun et al., CVPR 2020), with depth from the first return of all five LiDARs.

    Images are of two sizes and not undistorted: the lens (k1, k2, p1, p2, k3, as OpenCV has them) is in the calibration.
    No camera looks back. Points are in the vehicle's frame at the frame's pose, the top LiDAR's with the motion during
    the sweep taken out; each camera has the vehicle's pose at its own time. The rolling shutter of the cameras is
    neglected. Pixel 0 begins at the image's edge, as the data set's camera projections have it.

    Args:
        kwargs: See :class:`DDADDataset`.
    """

    METAINFO = dict(dataset='waymo')
    CAMERAS = ('FRONT', 'FRONT_LEFT', 'SIDE_LEFT', 'SIDE_RIGHT', 'FRONT_RIGHT')
    ROUNDING = 'floor'
    MAX_DEPTH = 80.0

    def __init__(self, ann_file='waymo.json', *args, **kwargs):
        super().__init__(ann_file, *args, **kwargs)
