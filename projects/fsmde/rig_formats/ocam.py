"""Scaramuzza's OCam model, which is f-theta under another name, as OpenCalib keeps it."""

from pathlib import Path

import numpy as np
from numpy.polynomial import Polynomial

from fsmde.lenses import FThetaLens
from fsmde.plain_data import numbers, read_json
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

from .common import reading, turned_intrinsics

#: Pixels that the polynomial may be off the centre where it must be 0: it is a fit.
MOST_OFF_CENTRE = 0.1


def rig_from_ocam(files) -> RigFile:
    """The rig of OpenCalib's (PJLab's SensorsCalibration) ``intrinsic/*.json`` of surround cameras. It has no poses.

    Raises:
        FileNotFoundError, ValueError: If a file is absent or not as the format has it; names it.
    """
    cameras = []
    for path in files:
        content = read_json(path)
        with reading(path, "OpenCalib's intrinsics"):
            (entry,) = content.values()
            stated = entry['param']
            size = (stated['img_dist_w'], stated['img_dist_h'])
            affine = numbers(stated['cam_K']['data'], (3, 3), 'cam_K')
            (row,) = stated['cam_dist']['data']
            cameras.append(ocam_camera(Path(path).stem, size, affine, numbers(row, (len(row),), 'cam_dist')))
    return RigFile(cameras, 'from OCam calibrations')


def ocam_camera(name: str, size: tuple, affine, polynomial, cam2ego: np.ndarray = None) -> RigCamera:
    """A camera of OCam's ``world2cam``.

    The image of a ray at the angle t to the optical axis has the radius sum_i a_i (t - pi/2)^i pixels: OCam counts angles
    from the plane of the sensor. In powers of t that is the f-theta model.

    Args:
        size: (width, height).
        affine: (3, 3) [[c, d, u0], [e, 1, v0], [0, 0, 1]].
        polynomial: (n,) a_0, a_1, ...
        cam2ego: (4, 4) pose, or None.

    Raises:
        ValueError: If they cannot be such a camera's; names it.
    """
    affine = np.asarray(affine)
    shifted = Polynomial(polynomial)(Polynomial([-np.pi / 2, 1])).coef
    constant, focal, *rest = shifted.tolist()
    if not (abs(constant) < MOST_OFF_CENTRE and focal > 0) or affine[1, 1] != 1 or affine[2].tolist() != [0, 0, 1]:
        raise ValueError(
            f'camera {name}: OCam has an affine [[c, d, u0], [e, 1, v0], [0, 0, 1]] and a polynomial that is 0 on the axis '
            f'and grows; found {affine.tolist()}, and {constant:.3g} pixels with a slope of {focal:.3g}'
        )
    K, turn = turned_intrinsics((affine[0, 0], affine[0, 1], affine[1, 0]), focal, affine[:2, 2])
    lens = FThetaLens(np.array(rest) / focal)
    return RigCamera(name, size, K, lens, None if cam2ego is None else cam2ego @ turn)
