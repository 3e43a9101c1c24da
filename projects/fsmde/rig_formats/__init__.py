"""How others write rigs down: each module reads one format into a :class:`fsmde.rig_file.RigFile`.

Intrinsics are moved to our pixels, in which the first one's centre is at 0.5, where a format follows OpenCV; those of DGP
and nuScenes are taken as they are published.
"""

from .dgp import rig_from_dgp
from .kitti import rig_from_kitti
from .kitti360 import rig_from_kitti360
from .nuscenes import rig_from_infos, rig_from_nuscenes
from .nvidia import ftheta_camera, rig_from_ftheta
from .ocam import ocam_camera, rig_from_ocam
from .ros import camera_of_info, rig_from_ros

__all__ = [
    'camera_of_info',
    'ftheta_camera',
    'ocam_camera',
    'rig_from_dgp',
    'rig_from_ftheta',
    'rig_from_infos',
    'rig_from_kitti',
    'rig_from_kitti360',
    'rig_from_nuscenes',
    'rig_from_ocam',
    'rig_from_ros',
]
