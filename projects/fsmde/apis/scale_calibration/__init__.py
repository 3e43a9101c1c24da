"""One factor for a rig's predicted depth, or one a camera, from what is known to be where: and whether it helps."""

from .evidence import (
    Evidence,
    distance_evidence,
    ground_evidence,
    lidar_evidence,
    pixels_of_points,
    read_distances,
)
from .fit import Calibration, calibrate
from .ground import camera_height

__all__ = [
    'Calibration',
    'Evidence',
    'calibrate',
    'camera_height',
    'distance_evidence',
    'ground_evidence',
    'lidar_evidence',
    'pixels_of_points',
    'read_distances',
]
