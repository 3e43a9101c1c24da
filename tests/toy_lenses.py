"""A toy rig of fisheyes in the middle of a cylinder, as a DGP data set whose index says what its lenses are."""

import json

import numpy as np

from fsmde.datasets import DDADDataset
from fsmde.lenses import EquidistantLens, PlumbBobLens
from toy_dgp import AZIMUTHS, RADIUS, write_toy_dgp

FISHEYES = dict(CAMERA_01=0, CAMERA_05=90, CAMERA_09=180, CAMERA_06=270)
FISHEYE = EquidistantLens((-0.03, 0.01, -0.01, 0.002))
MILD = PlumbBobLens((-0.25, 0.05, 0.001, -0.001))
THREE = [
    dict(name='left', azimuth=60, hfov=80, width=64, height=48),
    dict(name='ahead', hfov=80, width=64, height=48),
    dict(name='right', azimuth=-60, hfov=80, width=64, height=48),
]
LOAD = [dict(type='LoadSurroundImages'), dict(type='LoadSurroundLidar')]


class ToyLenses(DDADDataset):
    """Cameras of a toy DGP data set with the lenses that ``lenses`` says, by camera name."""

    def __init__(self, *args, lenses, **kwargs):
        self.lenses = lenses
        super().__init__(*args, **kwargs)

    def load_data_list(self):
        """With ``lenses``."""
        return [
            dict(entry, lenses=[self.lenses[camera] for camera in self.cameras]) for entry in super().load_data_list()
        ]


def write_toy_lenses(root, cameras=AZIMUTHS, size=(96, 128), focal=40.0, samples=2):
    """Write the data set; focal lengths are per radian of an equidistant lens, or pixels of a pinhole."""
    root = write_toy_dgp(root, cameras=cameras, size=size, samples=samples)
    path = root / '000000/calibration/c0.json'
    calibration = json.loads(path.read_text())
    for intrinsics in calibration['intrinsics'][1:]:
        intrinsics.update(fx=focal, fy=focal)
    path.write_text(json.dumps(calibration))
    return root


def on_cylinder(pixels, lidar2cam, cam2img):
    """Where LiDAR pixels lie, in radii of the cylinder: their centres, brought back into its frame, which is the LiDAR's."""
    centres = np.stack([pixels.u + 0.5, pixels.v + 0.5, np.ones(len(pixels.u))], -1)
    points = np.einsum('pij,pj->pi', np.linalg.inv(cam2img)[pixels.camera], centres) * pixels.z[:, None]
    cam2lidar = np.linalg.inv(lidar2cam)[pixels.camera]
    points = np.einsum('pij,pj->pi', cam2lidar[:, :3, :3], points) + cam2lidar[:, :3, 3]
    return np.hypot(points[:, 0], points[:, 1]) / RADIUS
