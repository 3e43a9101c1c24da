"""Lens models: from rays in the camera frame to the normalised image plane and back.

A lens knows neither pixels nor poses: ``cam2img`` maps ``(x, y, 1)`` of the plane to pixels. Rays are (..., 3) in the
camera frame (x right, y down, z forward) of any length; what lies beyond the field of view is NaN.

Arrays may be numpy's, which are taken as float64, or torch tensors of float32 or float64 on any device, whose type and
device the results have. Inverses take a fixed number of steps, so that they can be traced.
"""

from .base import Lens
from .brown import PlumbBobLens, RationalLens
from .radial import EquidistantLens, FThetaBackwardLens, FThetaLens
from .unified import MeiLens

#: Lens classes by the name of their model.
LENSES = {
    lens.MODEL: lens
    for lens in (Lens, PlumbBobLens, RationalLens, EquidistantLens, MeiLens, FThetaLens, FThetaBackwardLens)
}

__all__ = ['LENSES', *sorted(lens.__name__ for lens in LENSES.values())]
