"""One factor for a rig's predicted depth, or one a camera, from what is known to be where: and whether it helps."""

from .evidence import (
    Distance,
    Evidence,
    distance_evidence,
    ground_evidence,
    lidar_evidence,
    pixels_of_points,
    read_distances,
)
from .fit import Calibration, calibrate
from .gathering import GROUND, calibrate_rig, gather_evidence
from .ground import camera_height

__all__ = [
    'GROUND',
    'Calibration',
    'Distance',
    'Evidence',
    'calibrate',
    'calibrate_rig',
    'camera_height',
    'distance_evidence',
    'gather_evidence',
    'ground_evidence',
    'lidar_evidence',
    'pixels_of_points',
    'read_distances',
]
